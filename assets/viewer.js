// The left side around the viewer: files come in here (drop, paste, choose, a folder), pictures of the tray are chosen.
// Events that the server hears: 'parcel' 'example' 'domain' 'pick' 'refused'
const PIECE = 3 << 20;
const PATIENCE = 180000; // Nobody hears nothing for so long while files are read.
const JUNK = /(^|\/)(\.DS_Store|\._[^/]*|Thumbs\.db|desktop\.ini|__MACOSX\/.*)$/i;
let busy = false;
let stopped = false;
let late = 0;
let arrived = () => {};

const progress = (percent, words, stop = false) => {
  const place = element.querySelector('.progress');
  if (!place) return;
  const bar = place.querySelector('progress');
  bar.hidden = percent === null;
  if (percent !== null) bar.value = percent;
  place.querySelector('span').textContent = words;
  place.querySelector('button').hidden = !stop;
};
const left = (seconds) => (seconds > 3 ? ` · about ${seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`} left` : '');
const refuse = (why, name) =>
  trigger('refused', { sentence: why || `${name} could not be sent. Check that the page is still connected, then try again.` });

// All files of a drop in one stream of pieces, held in the server's memory only; the last step hands the ticket over.
const send = async (files) => {
  const name = files.length === 1 ? files[0].name : `${files.length.toLocaleString('en')} files`;
  const got = await server.receive({ files: files.map(({ name: path, file }) => [path, file.size]) });
  if (!got || !got.ticket) return refuse(got && got.error, name);
  element.dataset.ticket = got.ticket;
  const whole = new Blob(files.map(({ file }) => file));
  const began = performance.now();
  for (let at = 0; at < whole.size; at += PIECE) {
    if (stopped) return refuse('Sending was stopped; nothing was opened.', name);
    const reply = await fetch(new URL(`inbox/${got.ticket}`, document.baseURI), { method: 'POST', body: whole.slice(at, at + PIECE) });
    if (!reply.ok) return refuse(reply.status === 409 ? (await reply.json()).error : '', name);
    const sent = Math.min(at + PIECE, whole.size);
    const rest = ((performance.now() - began) / 1000 / sent) * (whole.size - sent);
    progress((100 * sent) / whole.size, `Sending ${name}${left(rest)}`, true);
  }
  progress(null, `Reading ${name}`);
  await told('parcel', { ticket: got.ticket });
};

// Until what was asked for is on the screen, or a sentence says why not.
const told = (event, data) =>
  new Promise((done) => {
    arrived = done;
    clearTimeout(late);
    late = setTimeout(done, PATIENCE);
    trigger(event, data);
  });

// Files with the way to them inside what was dropped, which a disc's table of contents needs.
const take = async (found) => {
  if (busy) return;
  const files = found.filter(({ name }) => !JUNK.test(name));
  if (!files.length) return refuse('There is no file in it. Choose the files of a study, or its folder.');
  busy = true;
  stopped = false;
  element.classList.add('receiving');
  try {
    await send(files);
  } catch (problem) {
    refuse('', files.length === 1 ? files[0].name : 'The files');
  } finally {
    busy = false;
    element.classList.remove('receiving');
    progress(null, '');
  }
};
const named = (file) => ({ name: file.webkitRelativePath || file.name || 'pasted picture', file });

// In the document, lest the browser collects them while their dialog is open.
const chooser = (folder) => {
  const input = document.createElement('input');
  input.type = 'file';
  input.multiple = true;
  input.webkitdirectory = folder;
  input.hidden = true;
  input.className = folder ? 'folder' : 'files';
  input.addEventListener('change', () => {
    const files = [...input.files].map(named);
    input.value = ''; // The same file can be chosen again.
    take(files);
  });
  document.body.append(input);
  return () => input.click();
};
const choose = chooser(false);
const chooseFolder = chooser(true);

// What is on its way goes too.
element.addEventListener('forget', () => { stopped = true; });
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (!button) return;
  const { act, number, domain, item } = button.dataset;
  if (act === 'cancel') stopped = true;
  if (busy) return;
  if (act === 'choose') choose();
  if (act === 'folder') chooseFolder();
  if (act === 'example') open('example', { number: Number(number) }, 'Opening the example');
  if (act === 'pick' || act === 'beside') open('pick', { item: Number(item), beside: act === 'beside' }, 'Opening');
  if (act === 'domain') trigger('domain', { domain });
});
const open = async (event, data, words) => {
  busy = true;
  progress(null, words);
  await told(event, data);
  busy = false;
  progress(null, '');
};

const show = () => {
  clearTimeout(late);
  if (element.querySelector('[data-doing]')) late = setTimeout(arrived, PATIENCE);
  else arrived();
  const shown = element.querySelector('.card [aria-pressed=true]');
  if (shown) shown.scrollIntoView({ block: 'nearest', inline: 'nearest' });
};
watch('value', show);

const typing = (target) => target.closest && target.closest('input:not([type=range]), textarea, select, [contenteditable=true]');
document.addEventListener('keydown', (event) => {
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (busy || (event.key !== 'o' && event.key !== 'O')) return;
  event.preventDefault();
  if (event.key === 'o') choose(); else chooseFolder();
});

document.addEventListener('paste', (event) => {
  const files = [...(event.clipboardData ? event.clipboardData.files : [])];
  if (files.length) { event.preventDefault(); take(files.map(named)); }
});
const carries = (event) => event.dataTransfer && [...event.dataTransfer.types].includes('Files');
const over = (is) => document.getElementById('left').classList.toggle('over', is);
document.addEventListener('dragover', (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  over(true);
});
document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) over(false); });
document.addEventListener('drop', async (event) => {
  over(false);
  if (!carries(event)) return;
  event.preventDefault();
  // Both must be asked for before the event has ended.
  const plain = [...event.dataTransfer.files].map(named);
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry());
  if (!entries.some((entry) => entry && entry.isDirectory)) return take(plain);
  if (busy) return;
  progress(null, 'Looking into the folder');
  try {
    take((await Promise.all(entries.filter(Boolean).map(inside))).flat());
  } catch (problem) { // A file in it cannot be read, or is gone.
    refuse('The folder cannot be looked into. Choose its files one by one, or an archive of it.');
  }
});

const inside = async (entry) => {
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [{ name: entry.fullPath.replace(/^\//, ''), file }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) { // A reader gives a hundred at a time.
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return found;
    found.push(...(await Promise.all(some.map(inside))).flat());
  }
};
listens();
