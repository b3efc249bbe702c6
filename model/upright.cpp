// Depth that stands upright: what model/upright.py's `gather_surfaces` computes, many times faster.
// Knows codes of depth and colours; refuses to know torch, networks and cameras.
#include <algorithm>
#include <vector>

namespace {

constexpr int kColours = 3;

}  // namespace

// Moves the code [rows, width] of the first `above` rows toward the mean of what lies within `reach` and is alike in colour
// [3, rows, width] and code, `rounds` times. Beyond the edges the last pixels are repeated.
extern "C" void upright(float* code, const float* colour, int rows, int width, int above, int reach, int rounds,
                        float code_apart, float colour_apart) {
  const int padded = width + 2 * reach, tall = rows + 2 * reach, n = rows * width;
  const float by_colour = 1 / (colour_apart * colour_apart), by_code = 1 / (code_apart * code_apart);
  std::vector<float> codes((size_t)tall * padded), colours((size_t)kColours * tall * padded), sum(width), all(width);
  auto pad = [&](const float* from, float* to) {
    for (int y = 0; y < tall; ++y) {
      const float* line = from + std::min(std::max(y - reach, 0), rows - 1) * width;
      for (int x = 0; x < padded; ++x) to[y * padded + x] = line[std::min(std::max(x - reach, 0), width - 1)];
    }
  };
  for (int c = 0; c < kColours; ++c) pad(colour + c * n, colours.data() + (size_t)c * tall * padded);
  for (int round = 0; round < rounds; ++round) {
    pad(code, codes.data());
    for (int y = 0; y < above; ++y) {
      std::fill(sum.begin(), sum.end(), 0.f), std::fill(all.begin(), all.end(), 0.f);
      const float *here = code + y * width, *luma = colour + y * width, *blue = luma + n, *red = blue + n;
      for (int dy = 0; dy <= 2 * reach; ++dy)
        for (int dx = 0; dx <= 2 * reach; ++dx) {
          const float* near = codes.data() + (y + dy) * padded + dx;
          const float *l = colours.data() + (y + dy) * padded + dx, *b = l + tall * padded, *r = b + tall * padded;
          for (int x = 0; x < width; ++x) {
            const float a = l[x] - luma[x], p = b[x] - blue[x], q = r[x] - red[x], d = near[x] - here[x];
            const float weight = std::max(1 - (a * a + p * p + q * q) * by_colour, 0.f) * std::max(1 - d * d * by_code, 0.f);
            sum[x] += weight * near[x], all[x] += weight;
          }
        }
      for (int x = 0; x < width; ++x) code[y * width + x] = sum[x] / all[x];
    }
  }
}
