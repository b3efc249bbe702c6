// What cameras and their moves are called: only needed in a world, so apart from the words that everybody loads.
// Knows no element.

/** The key of an action, by its name. @typedef {(action: import("../bindings.js").Action) => string} Key */

export const FILMING = {
  en: {
    cameras: {
      label: "Camera",
      names: { first: "First person", drone: "Drone", orbit: "Orbit" },
      bodies: { first: "On foot.", drone: "It flies where it looks.", orbit: "It circles around what it looks at." },
      hints: {
        first: (/** @type {Key} */ key) => `On foot. ${key("camera")} changes the camera.`,
        drone: (/** @type {Key} */ key) =>
          `${key("forward")} flies where you look, ${key("jump")} rises, ${key("run")} sinks.`,
        orbit: (/** @type {Key} */ key) =>
          `${key("left")} and ${key("right")} circle around what you look at, ${key("forward")} comes nearer.`,
      },
      now: (/** @type {string} */ name) => `Camera: ${name}`,
      next: "Next camera",
      jump: "Jump", rise: "Rise", sink: "Sink",
    },

    moves: {
      label: "Camera moves",
      kinds: { pan: "Pan", tilt: "Tilt", truck: "Truck", dolly: "Dolly", pedestal: "Pedestal", orbit: "Orbit" },
      names: { pan_left: "Pan to the left", pan_right: "Pan to the right", tilt_up: "Tilt up", tilt_down: "Tilt down",
        truck_left: "Truck to the left", truck_right: "Truck to the right", dolly_in: "Dolly in", dolly_out: "Dolly out",
        pedestal_up: "Pedestal up", pedestal_down: "Pedestal down",
        orbit_left: "Orbit to the left", orbit_right: "Orbit to the right" },
    },
  },
  pt: {
    cameras: {
      label: "Câmara",
      names: { first: "Primeira pessoa", drone: "Drone", orbit: "Órbita" },
      bodies: { first: "A pé.", drone: "Voa para onde olha.", orbit: "Anda à volta do que olha." },
      hints: {
        first: (/** @type {Key} */ key) => `A pé. ${key("camera")} muda a câmara.`,
        drone: (/** @type {Key} */ key) => `${key("forward")} voa para onde olha, ${key("jump")} sobe, ${key("run")} desce.`,
        orbit: (/** @type {Key} */ key) => `${key("left")} e ${key("right")} andam à volta do que olha, ${key("forward")} aproxima.`,
      },
      now: (/** @type {string} */ name) => `Câmara: ${name}`,
      next: "Câmara seguinte",
      jump: "Saltar", rise: "Subir", sink: "Descer",
    },

    moves: {
      label: "Movimentos de câmara",
      kinds: { pan: "Panorâmica", tilt: "Inclinação", truck: "Lateral", dolly: "Travelling", pedestal: "Elevação",
        orbit: "Órbita" },
      names: { pan_left: "Panorâmica à esquerda", pan_right: "Panorâmica à direita", tilt_up: "Inclinar para cima",
        tilt_down: "Inclinar para baixo", truck_left: "Lateral à esquerda", truck_right: "Lateral à direita",
        dolly_in: "Travelling para a frente", dolly_out: "Travelling para trás",
        pedestal_up: "Elevar", pedestal_down: "Baixar", orbit_left: "Órbita à esquerda", orbit_right: "Órbita à direita" },
    },
  },
};
