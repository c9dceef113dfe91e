// @ts-check
// The buttons, the window's numbers, the slider and the list of measurements: made once, then kept up to date.
import { brief } from './measure.js';
import { keyFor } from './keys.js';
import { linkable, planeOf, presetOf, sliceOf } from './state.js';
import { PLANE_NAMES } from './words.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').World} World */

/** Our own drawings on a grid of 16. @type {Record<string, string>} */
const ICONS = {
  window: '<circle cx="8" cy="8" r="5.4"/><path d="M8 2.6v10.8a5.4 5.4 0 0 0 0-10.8z" fill="currentColor"/>',
  pan: '<path d="M8 2v12M2 8h12M6 4l2-2 2 2M6 12l2 2 2-2M4 6 2 8l2 2M12 6l2 2-2 2"/>',
  zoom: '<circle cx="7" cy="7" r="4.4"/><path d="m10.3 10.3 3.4 3.4M5 7h4M7 5v4"/>',
  scroll: '<path d="M3 4.5h10M3 8h10M3 11.5h10"/><path d="m6 2.6 2-1.4 2 1.4M6 13.4l2 1.4 2-1.4"/>',
  cross: '<path d="M8 1.5v4.3M8 10.2v4.3M1.5 8h4.3M10.2 8h4.3"/><circle cx="8" cy="8" r=".6" fill="currentColor"/>',
  distance: '<path d="m3 13 10-10M1.8 11.8l2.4 2.4M11.8 1.8l2.4 2.4"/>',
  angle: '<path d="M13.5 13H2.5L10.5 3"/><path d="M6.6 8.2a6 6 0 0 1 2 4.8"/>',
  box: '<rect x="2.4" y="3.6" width="11.2" height="8.8"/>',
  ellipse: '<ellipse cx="8" cy="8" rx="6" ry="4.2"/>',
  turn: '<path d="M12.8 8a4.8 4.8 0 1 1-1.6-3.6"/><path d="M13 2.4v2.8h-2.8"/>',
  mirror: '<path d="M8 1.8v12.4" stroke-dasharray="2 1.6"/><path d="M6 4v8H1.6zM10 4v8h4.4z"/>',
  flip: '<path d="M1.8 8h12.4" stroke-dasharray="2 1.6"/><path d="M4 6h8V1.6zM4 10h8v4.4z"/>',
  invert: '<rect x="2.5" y="2.5" width="11" height="11" rx="1"/><path d="M2.5 13.5v-11h5.5v11z" fill="currentColor"/>',
  fit: '<path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10"/>',
  reset: '<path d="M3.2 8a4.8 4.8 0 1 0 1.6-3.6"/><path d="M3 2.4v2.8h2.8"/>',
  planes: '<rect x="2" y="2" width="12" height="12" rx="1"/><path d="M8 2v12M8 8h6"/>',
  link: '<path d="M6.6 9.4a2.6 2.6 0 0 0 3.7 0l2.3-2.3a2.6 2.6 0 0 0-3.7-3.7l-.9.9"/><path d="M9.4 6.6a2.6 2.6 0 0 0-3.7 0L3.4 8.9a2.6 2.6 0 0 0 3.7 3.7l.9-.9"/>',
  keys: '<path d="M5.9 6.2a2.1 2.1 0 1 1 3 1.9c-.6.3-.9.7-.9 1.4"/><path d="M8 11.9v.2"/>',
  list: '<path d="M2.2 10.2 10.2 2.2l3.6 3.6-8 8zM4.4 8l1.4 1.4M6.6 5.8 8.7 7.9M8.8 3.6l1.4 1.4"/>',
  cine: '<path class="play" d="M5 3.2v9.6L12.6 8z" fill="currentColor"/><path class="stop" d="M5 3.5v9M11 3.5v9"/>',
};
/** @param {string} name */
const icon = (name) =>
  `<svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${ICONS[name]}</svg>`;

/** @param {string} step @param {string} name @param {string} drawing @param {boolean} [toggles] */
const button = (step, name, drawing, toggles = false) => {
  const key = keyFor(step);
  const hint = key ? `${name} (${key})` : name;
  return `<button type="button" data-step="${step}" aria-label="${name}" title="${hint}"${toggles ? ' aria-pressed="false"' : ''}>${icon(drawing)}</button>`;
};
/** @param {string} name @param {string} parts */
const group = (name, parts) => `<div class="mv-group" role="group" aria-label="${name}">${parts}</div>`;

export const MARKUP = `
  <div class="mv-bar">
    ${group('Dragging', button('tool window', 'Window', 'window', true) + button('tool pan', 'Move', 'pan', true) + button('tool zoom', 'Zoom', 'zoom', true) + button('tool scroll', 'Scroll', 'scroll', true) + button('tool cross', 'Crosshair', 'cross', true))}
    ${group('Measuring', button('tool distance', 'Distance', 'distance', true) + button('tool angle', 'Angle', 'angle', true) + button('tool ellipse', 'Ellipse', 'ellipse', true) + button('tool box', 'Box', 'box', true))}
    ${group('Turning', button('turn right', 'Turn right', 'turn') + button('turn mirror', 'Flip left and right', 'mirror') + button('turn flip', 'Flip top and bottom', 'flip') + button('invert', 'Invert', 'invert', true))}
    ${group('View', button('fit', 'Fit', 'fit') + button('reset', 'Reset', 'reset') + button('planes', 'Three planes', 'planes', true) + button('link', 'Link scrolling', 'link', true) + button('keys', 'Keyboard', 'keys'))}
  </div>
  <div class="mv-bar mv-numbers">
    <label class="mv-presets"><span class="mv-sr">Window preset</span><select data-field="preset"></select></label>
    <label class="mv-number" title="Window width">W <input data-field="width" inputmode="decimal" autocomplete="off" aria-label="Window width" size="5"></label>
    <label class="mv-number" title="Window level">L <input data-field="level" inputmode="decimal" autocomplete="off" aria-label="Window level" size="5"></label>
    <details class="mv-list" hidden><summary title="Measurements">${icon('list')}<span></span><span class="mv-sr"> measurements</span></summary><ul class="mv-measures" aria-label="Measurements"></ul></details>
    <div class="mv-group mv-planes" role="group" aria-label="Plane"></div>
  </div>
  <div class="mv-stages"></div>
  <div class="mv-slices">
    ${button('cine', 'Run through the slices', 'cine', true)}
    <input type="range" min="1" step="1" data-field="slice" aria-label="Slice"><small class="mv-coming"></small><output></output>
  </div>
  <p class="mv-state" role="status"></p>
  <p class="mv-sr mv-said" aria-live="polite"></p>
  <dialog class="mv-keys" aria-label="Keyboard of the viewer"><form method="dialog"><b>Keyboard</b><button>Close</button></form><table></table></dialog>`;

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The slices that are here as a line, from the first to the last. @param {import('./pixels.js').Slices} slices */
const runs = ({ kept, count }) => {
  /** @type {string[]} */
  const stops = [];
  for (let from = 0, to; from < count; from = to) {
    for (to = from + 1; to < count && Boolean(kept[to]) === Boolean(kept[from]); ) to += 1;
    const colour = kept[from] ? '#4cc2b6' : '#39454b';
    stops.push(`${colour} ${((100 * from) / count).toFixed(1)}% ${((100 * to) / count).toFixed(1)}%`);
  }
  return `linear-gradient(90deg, ${stops.join()})`;
};

export class Toolbar {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Map<string, string>} what was written into each place last */ this.written = new Map();
    this.lined = '';
  }

  /** @template {HTMLElement} T @param {string} selector @returns {T} */
  find(selector) {
    return /** @type {T} */ (this.root.querySelector(selector));
  }

  /** Writes markup where it differs from what stands there. @param {string} selector @param {string} markup */
  put(selector, markup) {
    if (this.written.get(selector) === markup) return;
    this.written.set(selector, markup);
    this.find(selector).innerHTML = markup;
  }

  /** @param {State} state @param {World} world */
  update(state, world) {
    const { scan } = state.panes[state.active];
    const manifest = world.scans[scan];
    this.put('[data-field=preset]', this.presets(manifest));
    this.numbers(state, world);
    this.planes(state, world);
    this.pressed(state, world);
    this.slider(state, world);
    this.list(state, world);
  }

  /** @param {State} state @param {World} world */
  pressed(state, world) {
    const { scan, plane } = state.panes[state.active];
    const manifest = world.scans[scan];
    const deep = planeOf(state, world).depth > 1;
    const on = /** @type {Record<string, boolean>} */ ({
      [`tool ${state.tool}`]: true,
      invert: state.shown[scan].inverted !== manifest.inverted,
      planes: state.panes.length > 1,
      link: state.linked,
      cine: state.cine,
      [`plane ${plane}`]: true,
    });
    const hidden = /** @type {Record<string, boolean>} */ ({
      planes: world.scans.length > 1 || world.planes[scan].length < 2,
      link: !linkable(world),
      'tool scroll': !deep,
      'tool cross': world.planes[scan].length < 2,
    });
    for (const button of this.root.querySelectorAll('button[data-step]')) {
      const step = button.getAttribute('data-step') ?? '';
      if (button.hasAttribute('aria-pressed')) {
        const is = String(on[step] === true);
        if (button.getAttribute('aria-pressed') !== is) button.setAttribute('aria-pressed', is);
      }
      if (step in hidden) /** @type {HTMLElement} */ (button).hidden = hidden[step];
    }
  }

  /** @param {import('./state.js').Manifest} manifest */
  presets(manifest) {
    const rows = manifest.presets.map(
      (one, n) => `<option value="${n}">${escaped(one.name)}${one.key ? ` (${one.key})` : ''}</option>`,
    );
    return `${rows.join('')}<option value="" hidden>Own window</option>`;
  }

  /** @param {State} state @param {World} world */
  numbers(state, world) {
    const { scan } = state.panes[state.active];
    const { window } = state.shown[scan];
    const preset = presetOf(world.scans[scan], window);
    const select = /** @type {HTMLSelectElement} */ (this.find('[data-field=preset]'));
    const chosen = preset ? String(world.scans[scan].presets.indexOf(preset)) : '';
    if (select.value !== chosen) select.value = chosen;
    for (const field of /** @type {const} */ (['width', 'level'])) {
      const input = /** @type {HTMLInputElement} */ (this.find(`[data-field=${field}]`));
      const value = String(Number(window[field].toPrecision(6)));
      if (document.activeElement !== input && input.value !== value) input.value = value;
    }
  }

  /** @param {State} state @param {World} world */
  planes(state, world) {
    const planes = world.planes[state.panes[state.active].scan];
    const buttons = planes.map(
      (one, n) => `<button type="button" data-step="plane ${n}" aria-pressed="false">${PLANE_NAMES[one.name]}</button>`,
    );
    this.put('.mv-planes', planes.length > 1 ? buttons.join('') : '');
  }

  /** @param {State} state @param {World} world */
  slider(state, world) {
    const plane = planeOf(state, world);
    const slice = sliceOf(state, world) + 1;
    const row = this.find('.mv-slices');
    if (row.hidden !== plane.depth < 2) row.hidden = plane.depth < 2;
    const range = /** @type {HTMLInputElement} */ (this.find('[data-field=slice]'));
    const says = `slice ${slice} of ${plane.depth}`;
    if (range.getAttribute('aria-valuetext') === says) return;
    range.max = String(plane.depth);
    range.value = String(slice);
    range.setAttribute('aria-valuetext', says);
    this.find('.mv-slices output').textContent = `${slice} / ${plane.depth}`;
  }

  /** How much of the stack is here: a line under the slider, and a number. @param {import('./pixels.js').Slices} slices @param {number} axis of the plane */
  coming(slices, axis) {
    const place = this.find('.mv-coming');
    const says = slices.count > 1 && !slices.whole ? `${slices.here} of ${slices.count} here` : '';
    this.put('.mv-coming', says);
    const line = says && axis === 2 ? runs(slices) : '';
    if (place.previousElementSibling instanceof HTMLElement && this.lined !== line) {
      place.previousElementSibling.style.backgroundImage = line;
      this.lined = line;
    }
  }

  /** @param {State} state @param {World} world */
  list(state, world) {
    const all = state.shown.flatMap((shown, scan) => shown.measures.map((one) => ({ one, scan })));
    const list = /** @type {HTMLDetailsElement} */ (this.find('.mv-list'));
    if (list.hidden !== !all.length) list.hidden = !all.length;
    this.put('.mv-list summary span', String(all.length));
    this.put('.mv-measures', all.map(({ one, scan }) => this.measure(one, scan, state, world)).join(''));
  }

  /** @param {import('./measure.js').Measure} one @param {number} scan @param {State} state @param {World} world */
  measure(one, scan, state, world) {
    const plane = world.planes[scan].find((cut) => cut.axis === one.axis);
    const where = plane && plane.depth > 1 ? ` · ${PLANE_NAMES[plane.name].toLowerCase()} ${one.slice + 1}` : '';
    const name = escaped(brief(one.kind, one.found, world.scans[scan].unit) + where);
    return `<li${one.id === state.chosen ? ' class="chosen"' : ''}><button type="button" data-step="measure ${one.id}" title="Show">${name}</button><button type="button" data-step="delete ${one.id}" aria-label="Delete ${name}" title="Delete">×</button></li>`;
  }
}
