// The header's buttons, the drawer, the keys, light and dark. Runs once, in the header's element.
// Events that the server hears: 'fresh' 'export' 'drawer' 'held'
document.documentElement.lang = 'en';
const drawer = () => document.getElementById('drawer');
const keys = () => document.getElementById('keys');
const viewer = () => document.querySelector('#scan .mv')?.viewer;
let opener = null;

const toggle = (open) => {
  const is = document.body.classList.toggle('drawer-open', open);
  if (is) {
    opener = document.activeElement;
    trigger('drawer', {});
    const first = drawer().querySelector('button, input, textarea');
    if (first) first.focus();
  } else if (opener) opener.focus();
};
const theme = (dark) => {
  document.body.classList.toggle('dark', dark);
  try { localStorage.setItem('medvlm-theme', dark ? 'dark' : 'light'); } catch (refused) { /* A browser may keep nothing. */ }
};
try {
  const kept = localStorage.getItem('medvlm-theme');
  if (kept) document.body.classList.toggle('dark', kept === 'dark');
} catch (refused) { /* A browser may keep nothing. */ }

const acts = {
  fresh: () => {
    // Before the server lets the pictures go, so that nothing asks for them any more.
    if (viewer()) viewer().show([]);
    trigger('fresh', {});
  },
  export: (button) => trigger('export', { form: button.dataset.form, looks: viewer() ? viewer().looks() : [] }),
  drawer: () => toggle(),
  held: () => {
    document.getElementById('receipt').showModal();
    trigger('held', {});
  },
  theme: () => theme(!document.body.classList.contains('dark')),
  keys: () => {
    keys().querySelector('.mv-rows')?.remove();
    if (!viewer() || !viewer().take('keys')) keys().showModal();
  },
};
// The header is drawn anew while the model loads; a menu that is open stays so.
let unfolded = false;
element.addEventListener('toggle', (event) => { unfolded = event.target.open; }, true);
watch('value', () => {
  const menu = element.querySelector('details.menu');
  if (menu) menu.open = unfolded;
});
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (button && acts[button.dataset.act]) acts[button.dataset.act](button);
  const menu = element.querySelector('details.menu');
  if (menu && menu.open && !event.target.closest('summary')) menu.open = false;
});
document.addEventListener('click', (event) => {
  const menu = element.querySelector('details.menu');
  if (menu && menu.open && !menu.contains(event.target)) menu.open = false;
  if (event.target.closest('[data-act=close-drawer]')) toggle(false);
  if (event.target.closest('[data-act=close-keys]') || event.target === keys()) keys().close();
});
const typing = (target) => target.closest && target.closest('input:not([type=range]):not([type=radio]), textarea, select');
document.addEventListener('keydown', (event) => {
  const menu = element.querySelector('details.menu');
  if (event.key === 'Escape') {
    if (menu && menu.open) { menu.open = false; menu.querySelector('summary').focus(); }
    else if (document.body.classList.contains('drawer-open')) toggle(false);
  }
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || keys().open) return;
  if (event.key === '?') { event.preventDefault(); acts.keys(); }
  if (event.key === 's') { event.preventDefault(); toggle(); }
  if (event.key === 'n') { event.preventDefault(); acts.fresh(); }
});
listens();
