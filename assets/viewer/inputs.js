// @ts-check
// Buttons, fields and keys of the viewer, as its steps.
import { help, isTaken, stepOf } from './keys.js';
import * as steps from './state.js';

/** @typedef {import('./viewer.js').Viewer} Viewer */

/** Until the viewer is closed. @param {Viewer} viewer */
export const listen = (viewer) => {
  const on = { signal: viewer.ended.signal };
  viewer.root.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-step]') : null;
    if (button) viewer.take(button.getAttribute('data-step') ?? '');
  }, on);
  viewer.root.addEventListener('input', (event) => entered(viewer, event), on);
  viewer.root.addEventListener('change', (event) => entered(viewer, event), on);
  document.addEventListener('keydown', (event) => pressed(viewer, event), on);
  document.addEventListener('pointerdown', (event) => {
    const list = listOf(viewer);
    if (list.open && event.target instanceof Node && !list.contains(event.target)) list.open = false;
  }, on);
};

/** The list of measurements. @param {Viewer} viewer */
const listOf = (viewer) => /** @type {HTMLDetailsElement} */ (viewer.toolbar.find('.mv-list'));

/** The slider, the presets and the typed window. @param {Viewer} viewer @param {Event} event */
const entered = (viewer, event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  const which = field.dataset.field;
  if (which === 'slice' && event.type === 'input') viewer.change((now, world) => steps.toSlice(now, world, Number(field.value) - 1));
  if (event.type !== 'change') return;
  if (which === 'preset' && field.value !== '') viewer.preset(Number(field.value));
  if (which === 'width' || which === 'level') typed(viewer, field, which);
};

/** @param {Viewer} viewer @param {HTMLInputElement} field @param {'width' | 'level'} which */
const typed = (viewer, field, which) => {
  const value = Number(field.value.trim().replace(/[−–]/, '-').replace(',', '.'));
  const { window: now } = viewer.shown;
  const good = field.value.trim() !== '' && Number.isFinite(value) && (which === 'level' || value > 0);
  if (good) viewer.change((state) => steps.toWindow(state, { ...now, [which]: value }));
  field.value = String(viewer.shown.window[which]);
};

/** @param {Viewer} viewer @param {KeyboardEvent} event */
const pressed = (viewer, event) => {
  if (!viewer.world.scans.length || !viewer.root.checkVisibility() || isTaken(event)) return;
  if (event.key === 'Escape') return escaped(viewer);
  if (event.key === '?') {
    event.preventDefault();
    return help(viewer.root, viewer.presets);
  }
  const step = stepOf(event.key, viewer.presets);
  if (step && viewer.take(step)) event.preventDefault();
};

/** The open list, what is being measured, the cine, what is chosen: the first of them is left. @param {Viewer} viewer */
const escaped = (viewer) => {
  const list = listOf(viewer);
  if (list.open) {
    list.open = false;
    /** @type {HTMLElement} */ (list.querySelector('summary')).focus();
  } else if (viewer.measuring.draft) viewer.measuring.cancel();
  else if (viewer.state.cine) viewer.take('cine');
  else if (viewer.state.chosen !== null) viewer.change((now) => ({ ...now, chosen: null }));
};
