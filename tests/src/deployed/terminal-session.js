// What pages in the field do with the client program on this computer and, through their own back end, with a terminal.
const client = 'http://127.0.0.1:CLIENT_PORT';
const groups = ['dg1', 'dg2', 'dg3', 'dg4', 'dg5'];

function post(address, data, headers) {
  return fetch(address, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(data),
  });
}

function callClient(name, data) {
  return post(client + '/api/v1/' + name, data).then((answer) => answer.json()).then((answer) => {
    if (answer.err != '0') throw new Error('client ' + answer.err);
    return answer;
  });
}

function callTerminal(name, data) {
  return post('/terminal', { urlCall: '/api/v1/' + name, dataCall: data }).then((answer) => answer.json()).then((answer) => {
    if (answer.code) throw new Error('terminal ' + answer.code);
    return answer;
  });
}

function say(state, text) {
  const shown = document.getElementById('state');
  shown.dataset.state = state;
  shown.textContent = text || '';
}

/** Has the holder open his card, and card and terminal prove themselves; gives the terminal's name of the session. */
async function authenticate() {
  const opened = await callClient('terminal_proxy_bauth_app_prefetch', { stb: false });
  const begun = await callTerminal('bauth_init', { so_certificate: opened.so_certificate });
  const hreq = begun.hreq;
  let answer = await callClient('terminal_proxy_bauth_init', {
    terminal_certificate: begun.terminal_certificate,
    cmd_to_card: begun.cmd_to_card,
    is_bilateral: true,
  });
  for (;;) {
    const step = await callTerminal('bauth_process', { hreq, card_response: answer.card_response });
    if (step.is_bauth_established) return hreq;
    answer = await callClient('terminal_proxy_bauth', {
      header_cmd_to_card: step.header_cmd_to_card,
      cmd_to_card: step.cmd_to_card,
    });
  }
}

/** Has the card sign a text; gives the terminal's message. */
async function sign(hreq, text) {
  const relay = (name, { header_cmd_to_card, cmd_to_card }) => callClient(name, { header_cmd_to_card, cmd_to_card });
  const data = btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  let { card_response } = await relay('terminal_proxy_sign_init', await callTerminal('sign_init', { hreq }));
  const key = await callTerminal('sign_select_app', { hreq, card_response });
  ({ card_response } = await relay('terminal_proxy_command', key));
  const hash = await callTerminal('sign_data', { hreq, card_response, data_to_sign: data });
  ({ card_response } = await relay('terminal_proxy_command', hash));
  return (await callTerminal('sign_result', { hreq, card_response })).signature;
}

/** Has the terminal read everything that there is. */
async function read(hreq) {
  let step = await callTerminal('read_dg_init', { hreq, data_groups_to_read: groups });
  do {
    const answer = await callClient('terminal_proxy_command', {
      header_cmd_to_card: step.header_cmd_to_card,
      cmd_to_card: step.cmd_to_card,
    });
    step = await callTerminal('read_dg', { hreq, card_response: answer.card_response });
  } while (!step.is_last_dg_readed);
}
