// @ts-check
// What the viewer says in words: on the picture, beside it, and to those who listen instead of looking.
import { dot, edges, lettersOf, patientAt, wholeTurn } from './geometry.js';
import { KIND_NAMES, lines, short } from './measure.js';
import { planeOf, presetOf, sliceOf } from './state.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').World} World */
/** @typedef {import('./geometry.js').Vector} Vector */
/** @typedef {import('./grey.js').Picture} Picture */

/** @type {Record<string, string>} */
export const PLANE_NAMES = { axial: 'Axial', coronal: 'Coronal', sagittal: 'Sagittal', stored: 'As stored' };
/** @type {Record<string, string>} */
const SIDES = { L: 'left', R: 'right', A: 'front', P: 'back', H: 'head', F: 'feet' };

/** Four figures, and a real minus sign. @param {number} value */
export const figure = (value) =>
  (Math.abs(value) >= 100 || Number.isInteger(value) ? value.toFixed(0) : String(Number(value.toPrecision(4)))).replace('-', '−');

/** "400/40" as a radiologist says it. @param {import('./grey.js').Window} window */
export const windowWords = (window) => `W ${figure(window.width)}  L ${figure(window.level)}`;

/** A place in the patient: "L 12.3  P 40.0  H 102.5 mm". @param {Vector} place */
export const placeWords = (place) => {
  const parts = [['L', 'R'], ['P', 'A'], ['H', 'F']].map(
    (letters, axis) => `${letters[place[axis] < 0 ? 1 : 0]} ${Math.abs(place[axis]).toFixed(1)}`,
  );
  return `${parts.join('  ')} mm`;
};

/** Where a slice lies along its own normal: "H 102.5 mm"; nothing where the file does not say. @param {State} state @param {World} world @param {number} pane */
export const positionWords = (state, world, pane) => {
  const plane = planeOf(state, world, pane);
  if (!plane.normal) return '';
  const place = patientAt(plane, sliceOf(state, world, pane), [0.5, 0.5]);
  if (!place) return '';
  const along = dot(place, plane.normal);
  /** @type {Vector} */
  const way = [plane.normal[0], plane.normal[1], plane.normal[2]];
  const letter = lettersOf(along < 0 ? [-way[0], -way[1], -way[2]] : way)[0];
  return `${letter} ${Math.abs(along).toFixed(1)} mm`;
};

/** Lines at the top left: series class, plane, slice, position. No name, no date, no number of a patient. @param {State} state @param {World} world @param {number} pane */
export const seriesWords = (state, world, pane) => {
  const scan = world.scans[state.panes[pane].scan];
  const plane = planeOf(state, world, pane);
  const name = plane.name === 'stored' ? '' : PLANE_NAMES[plane.name] + (plane.oblique ? ', oblique' : '');
  const slice = plane.depth > 1 ? `${sliceOf(state, world, pane) + 1} / ${plane.depth}` : '';
  // The plane that is seen stands in the line below; the one that was stored would only be taken for it.
  const what = name ? scan.kind.replace(/^(axial|coronal|sagittal)(, |$)/, '') : scan.kind;
  const kind = [scan.label, what].filter(Boolean).join(' · ');
  return [kind, [name, slice].filter(Boolean).join('  '), positionWords(state, world, pane)].filter(Boolean);
};

/** Lines at the bottom left. @param {State} state @param {World} world @param {number} pane */
export const greyWords = (state, world, pane) => {
  const { scan } = state.panes[pane];
  const { window, inverted } = state.shown[scan];
  const preset = presetOf(world.scans[scan], window);
  const turned = inverted === world.scans[scan].inverted ? '' : 'Inverted';
  return [[preset ? preset.name : '', turned].filter(Boolean).join(', '), windowWords(window)].filter(Boolean);
};

/** What is under the cursor: "−12 HU", red green blue, or "" outside. @param {Picture} picture @param {import('./geometry.js').Point} at @param {string} unit */
export const valueWords = (picture, at, unit) => {
  const [x, y] = [Math.floor(at[0]), Math.floor(at[1])];
  if (x < 0 || y < 0 || x >= picture.columns || y >= picture.rows) return '';
  const from = (y * picture.columns + x) * picture.samples;
  if (picture.samples === 3) return `R ${picture.data[from]}  G ${picture.data[from + 1]}  B ${picture.data[from + 2]}`;
  return [short(picture.data[from]), unit].filter(Boolean).join(' ');
};

/** One sentence on all that can be seen, for a screen reader. @param {State} state @param {World} world @param {number} percent zoom */
export const described = (state, world, percent) => {
  const { scan, lay } = state.panes[state.active];
  const { window, inverted, measures } = state.shown[scan];
  const manifest = world.scans[scan];
  const plane = planeOf(state, world);
  const slice = sliceOf(state, world);
  const preset = presetOf(manifest, window);
  const side = edges(wholeTurn(plane, lay), plane.letters);
  const position = positionWords(state, world, state.active);
  const here = measures.filter((one) => one.axis === plane.axis && one.slice === slice);
  return [
    world.scans.length > 1 ? manifest.label || `Picture ${scan + 1} of ${world.scans.length}` : '',
    manifest.kind + (plane.name === 'stored' ? '' : `, ${PLANE_NAMES[plane.name].toLowerCase()} plane`),
    plane.depth > 1 ? `slice ${slice + 1} of ${plane.depth}` : '',
    position ? `position ${position}` : '',
    manifest.colour ? '' : `window ${figure(window.width)}, level ${figure(window.level)}${preset ? `, ${preset.name}` : ''}`,
    inverted === manifest.inverted ? '' : 'inverted',
    `zoom ${percent} percent`,
    side ? `patient's ${SIDES[side.right[0]] ?? side.right} on the right, ${SIDES[side.top[0]] ?? side.top} at the top` : 'no orientation known',
    ...here.map((one) => `${KIND_NAMES[one.kind]} ${lines(one.kind, one.found, manifest.unit).join(', ')}`),
  ]
    .filter(Boolean)
    .join('; ')
    .concat('.');
};
