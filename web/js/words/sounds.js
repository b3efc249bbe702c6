// What worlds sound like, in each language: the captions' words, loaded with the world and not with the page.
// Knows the names that the sound network gives; nothing of when they are said.

export const SOUNDS = {
  en: {
    label: "What is to be heard",
    names: {
      wind: "wind", rain: "rain", thunder: "thunder, far", waves: "waves",
      birds: "birdsong", gulls: "gulls", crickets: "crickets", steps_grass: "steps in grass",
      steps_sand: "steps in sand", steps_rock: "steps on rock", steps_snow: "steps in snow", steps_water: "steps in water",
    },
  },
  pt: {
    label: "O que se ouve",
    names: {
      wind: "vento", rain: "chuva", thunder: "trovão, longe", waves: "ondas",
      birds: "canto de pássaros", gulls: "gaivotas", crickets: "grilos", steps_grass: "passos na relva",
      steps_sand: "passos na areia", steps_rock: "passos na rocha", steps_snow: "passos na neve", steps_water: "passos na água",
    },
  },
};
