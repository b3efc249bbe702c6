// A file as base64, as JSON carries it.
// Knows bytes; nothing of what they are.

/**
 * @param {Blob} file
 * @returns {Promise<string>} rejects when the file cannot be read
 */
export function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).replace(/^[^,]*,/, "")));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
