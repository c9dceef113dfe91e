// The left side: files come in here (drop, paste, choose), slices are turned here. Runs once, in the viewer's element.
// Events that the server hears: 'parcel' 'example' 'slice' 'domain' 'pick' 'refused'
const PIECE = 1 << 20;
let busy = false;
let wanted = null; // The slice that was asked for last and is not shown yet.
let sent = null; // The slice that the server was asked for; the next is asked for when this one is shown.
let late = 0; // When to stop waiting for it.
let scan = null; // Whose slices these are.

const progress = (percent, words) => {
  const place = element.querySelector('.progress');
  if (!place) return;
  const bar = place.querySelector('progress');
  bar.hidden = percent === null;
  if (percent !== null) bar.value = percent;
  place.querySelector('span').textContent = words;
};

const base64 = (blob) =>
  new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(',') + 1));
    reader.onerror = () => failed(new Error('unreadable'));
    reader.readAsDataURL(blob);
  });

// One file in pieces, each held in the server's memory only; the last step hands the ticket to this session.
const send = async (file) => {
  const name = file.name || 'pasted picture';
  const ticket = await server.receive({ name, size: file.size });
  if (!ticket || !ticket.ticket) return refuse(ticket && ticket.error, name);
  for (let at = 0; at < file.size; at += PIECE) {
    const got = await server.receive({ ticket: ticket.ticket, piece: await base64(file.slice(at, at + PIECE)) });
    if (!got || got.error) return refuse(got && got.error, name);
    progress((100 * Math.min(at + PIECE, file.size)) / file.size, `Sending ${name}`);
  }
  progress(null, `Reading ${name}`);
  trigger('parcel', { ticket: ticket.ticket });
  await settled();
};

const refuse = (why, name) => trigger('refused', { sentence: why || `${name} could not be sent. Check that the page is still connected, then try again.` });

// The server answers a parcel by sending this side anew.
let arrived = () => {};
const settled = () => new Promise((done) => { arrived = done; setTimeout(done, 120000); });

const take = async (files) => {
  if (busy || !files.length) return;
  busy = true;
  element.classList.add('receiving');
  try {
    for (const file of files) await send(file);
  } catch (problem) {
    refuse('', 'The file');
  } finally {
    busy = false;
    element.classList.remove('receiving');
    progress(null, '');
  }
};

// In the document, lest the browser collects it while its dialog is open.
const input = document.createElement('input');
input.type = 'file';
input.multiple = true;
input.hidden = true;
input.addEventListener('change', () => {
  const files = [...input.files];
  input.value = ''; // The same file can be chosen again.
  take(files);
});
document.body.append(input);
const choose = () => input.click();

element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button || busy) return;
  const { act, number, domain, scan } = button.dataset;
  if (act === 'choose') choose();
  if (act === 'example') {
    progress(null, 'Opening the example');
    trigger('example', { number: Number(number) });
  }
  if (act === 'domain') trigger('domain', { domain });
  if (act === 'pick') trigger('pick', { scan: Number(scan) });
});

const order = () => {
  sent = wanted;
  late = performance.now() + 15000;
  trigger('slice', { slice: sent - 1 });
};
const turn = (slice) => {
  const range = element.querySelector('input[type=range]');
  if (!range) return false;
  const next = Math.min(Number(range.max), Math.max(1, slice));
  const waits = sent !== null && performance.now() < late;
  if (next === (wanted ?? Number(range.dataset.slice)) && (waits || wanted === null)) return true;
  wanted = next;
  range.value = next;
  range.setAttribute('aria-valuetext', `slice ${next} of ${range.max}`);
  if (!waits) order();
  return true;
};

element.addEventListener('input', (event) => {
  if (event.target.type === 'range') turn(Number(event.target.value));
});

element.addEventListener('wheel', (event) => {
  if (!event.target.closest('.stage') || event.ctrlKey) return;
  const range = element.querySelector('input[type=range]');
  if (!range) return;
  event.preventDefault();
  turn((wanted ?? Number(range.dataset.slice)) + Math.sign(event.deltaY));
}, { passive: false });

const show = () => {
  const range = element.querySelector('input[type=range]');
  const shown = range && Number(range.dataset.slice);
  if (!range || range.dataset.scan !== scan || element.querySelector('.viewer > .error')) wanted = sent = null;
  scan = range && range.dataset.scan;
  if (sent === shown) sent = null;
  if (sent === null && wanted === shown) wanted = null;
  if (range) range.value = wanted ?? shown;
  if (wanted !== null && sent === null) order();
  arrived();
};
watch('value', show);
show();

const typing = (target) => target.closest && target.closest('input:not([type=range]), textarea, select, [contenteditable=true]');
document.addEventListener('keydown', (event) => {
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (event.key === 'o') { event.preventDefault(); choose(); }
  const range = element.querySelector('input[type=range]');
  if (!range || event.target === range || event.target.closest('.turns, #drawer')) return;
  const now = wanted ?? Number(range.dataset.slice);
  const to = { ArrowUp: now - 1, ArrowDown: now + 1, Home: 1, End: Number(range.max) }[event.key];
  if (to !== undefined && turn(to)) event.preventDefault();
});

document.addEventListener('paste', (event) => {
  const files = [...(event.clipboardData ? event.clipboardData.files : [])];
  if (files.length) { event.preventDefault(); take(files); }
});
const carries = (event) => event.dataTransfer && [...event.dataTransfer.types].includes('Files');
document.addEventListener('dragover', (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  element.classList.add('over');
});
document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) element.classList.remove('over'); });
document.addEventListener('drop', (event) => {
  element.classList.remove('over');
  if (!carries(event)) return;
  event.preventDefault();
  take([...event.dataTransfer.files]);
});
