// What the gateway says in English of a world that runs, in each language: loaded with the world and not with the page.
// Knows the gateway's sentences, to the letter; nothing of when they are said.

/**
 * `notices`: what it announces to everybody, by its kind. `sayings`: why a world ended or a text was refused, by what it
 * says of it, up to a colon.
 * @type {Record<string, { notices: Record<string, (left_s: number) => string>, sayings: Record<string, string> }>}
 */
export const SAID = {
  en: {
    notices: {
      time: (left_s) => `This world is paused in ${left_s < 90 ? `${left_s} s` : `${Math.round(left_s / 60)} min`}, and kept.`,
      "older-save": () => "The newest save of this world is damaged; it goes on from the one before.",
      "not-saved": () => "This world is not being saved just now. It goes on; older saves are intact.",
    },
    sayings: {
      "the session was ended": "It was closed.",
      "the share link has expired": "The link to it has expired.",
      "the share link was withdrawn": "The link to it was withdrawn.",
      "another world took its place": "Another world took its place.",
      "the world was deleted": "It was deleted.",
      "nobody waited for it": "Nobody waited for it any more.",
      "nobody came back": "Nobody came back to it in time.",
      "the operator ended it": "Whoever runs this place has closed it.",
      "the world failed too often": "It failed too often.",
      "no heartbeat": "The connection fell silent.",
      "no connection": "The connection did not come about.",
      "too many messages that nobody can read": "This page and the server do not understand each other. Load it again.",
      "the gateway is closing": "The server is about to rest.",
      "nobody is here": "Nobody was here any more.",
      "the time of this world is over for now; it is kept": "Its time is over for now. It is kept.",
      "the world cannot be opened": "It could not be opened.",
    },
  },
  pt: {
    notices: {
      time: (left_s) => `Este mundo faz uma pausa daqui a ${left_s < 90 ? `${left_s} s` : `${Math.round(left_s / 60)} min`}, e fica guardado.`,
      "older-save": () => "A última gravação deste mundo está danificada; continua da anterior.",
      "not-saved": () => "Este mundo não está a ser guardado. Continua; as gravações anteriores estão intactas.",
    },
    sayings: {
      "the session was ended": "Foi fechado.",
      "the share link has expired": "A ligação para ele expirou.",
      "the share link was withdrawn": "A ligação para ele foi retirada.",
      "another world took its place": "Outro mundo ocupou o seu lugar.",
      "the world was deleted": "Foi apagado.",
      "nobody waited for it": "Já ninguém esperava por ele.",
      "nobody came back": "Ninguém voltou a tempo.",
      "the operator ended it": "Quem gere este lugar fechou-o.",
      "the world failed too often": "Falhou vezes demais.",
      "no heartbeat": "A ligação calou-se.",
      "no connection": "A ligação não se fez.",
      "too many messages that nobody can read": "Esta página e o servidor não se entendem. Carregue-a outra vez.",
      "the gateway is closing": "O servidor vai descansar.",
      "nobody is here": "Já não estava ninguém.",
      "the time of this world is over for now; it is kept": "O seu tempo acabou por agora. Fica guardado.",
      "the world cannot be opened": "Não se conseguiu abrir.",
      "The text is empty.": "O texto está vazio.",
      "The text has characters that nobody can read.": "O texto tem caracteres que ninguém consegue ler.",
      "The text cannot be checked just now.": "O texto não pode ser verificado agora.",
      "Pictures cannot be checked here, so that none is taken.": "Aqui as imagens não podem ser verificadas, e nenhuma é aceite.",
      "What was said cannot be checked.": "O que foi dito não pode ser verificado.",
      "The world had to begin again before it obeyed this.": "O mundo teve de recomeçar antes de obedecer a isto.",
    },
  },
};
