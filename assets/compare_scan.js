// The picture in the Compare tab: the viewer again, on what the Chat tab has open. Files come in through the Chat tab's
// own parts; what they say (how far a drop is, what was wrong with it, examples, the tray) is said here too.
// Events that the server hears: 'hello' 'gone' 'changed' 'look'
const chat = () => document.getElementById('viewer');
const mirror = () => document.querySelector('#compare-tray .mirror');
let drawn = '';

// Looked at as it was left in the Chat tab, until it is touched here.
const inherit = (viewer) => {
  const other = document.querySelector('#scan .mv')?.viewer;
  if (!other || !other.world.scans.length) return;
  other.leave();
  for (const [token, left] of other.left) if (!viewer.left.has(token)) viewer.left.set(token, structuredClone(left));
};

const copy = (from, kind) => {
  const found = from && from.querySelector(kind);
  return found ? found.cloneNode(true).outerHTML : '';
};
const reflect = () => {
  const place = mirror();
  if (!place) return;
  const from = chat();
  const empty = Boolean(from && from.querySelector('.viewer.empty'));
  const asks = document.querySelector('#gate .gate') ? '<p class="note">The Chat tab asks something about this picture.</p>' : '';
  const doing = copy(from, '.progress:has(span:not(:empty))').replace(/ hidden(="")?>Stop/, '>Stop');
  const said = `${asks}${copy(from, '.error')}${doing}`;
  const open = '<button type="button" class="strong" data-act="choose">Choose files</button>'
    + '<button type="button" class="soft" data-act="chat">Open in Chat</button>';
  const html = empty
    ? `<section class="nothing" aria-label="No picture"><h2>No scan is open</h2><p>Drop one here, or take an example.</p>
        <div class="choices">${open}</div>${said}${copy(from, '.shelf')}</section>`
    : `<div class="bar"><span class="grow">${copy(from, '.domain[aria-pressed=true]').replace(/<button[^>]*>/, '<span>').replace('</button>', '</span>')}</span>
        <button type="button" class="plain" data-act="chat" title="Show it in the Chat tab">Open in Chat</button>
        <button type="button" class="plain" data-act="choose" title="Open files (o)">Other files</button></div>${copy(from, '.pictures')}${said}`;
  if (place.dataset.html !== html) {
    place.innerHTML = html;
    place.dataset.html = html;
  }
  document.getElementById('comparing')?.classList.toggle('bare', empty);
  const now = from?.querySelector('[data-drawn]')?.dataset.drawn ?? '';
  if (now !== drawn && drawn) trigger('changed', {});
  drawn = now;
};
let soon = 0;
const later = () => {
  clearTimeout(soon);
  soon = setTimeout(reflect, 60);
};

// What is pressed here is pressed there: one way in for files, one gate, one tray.
document.addEventListener('click', (event) => {
  const button = event.target.closest && event.target.closest('#compare-tray [data-act]');
  if (!button) return;
  const { act, number, item } = button.dataset;
  if (act === 'chat') return document.getElementById('chat-tab-button')?.click();
  const more = number !== undefined ? `[data-number="${number}"]` : item !== undefined ? `[data-item="${item}"]` : '';
  chat()?.querySelector(`[data-act=${act}]${more}`)?.click();
});

import(new URL('viewer/mount.js', document.baseURI)).then(({ mount }) => {
  const viewer = mount(element, { props, trigger, watch });
  const show = viewer.show.bind(viewer);
  viewer.show = (scans) => { inherit(viewer); show(scans); };
  const around = new MutationObserver(later);
  if (chat()) around.observe(chat(), { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ['hidden'] });
  const gate = document.getElementById('gate');
  if (gate) around.observe(gate, { childList: true, subtree: true });
  reflect();
  element.dataset.works = '';
});
