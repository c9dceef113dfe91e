// @ts-check
// What is on the screen, as a value: every step gives a new one. Nothing here touches the page.
import { after, dot, nearestSlice, patientAt, planesOf, TURNS, UPRIGHT, voxelIn } from './geometry.js';
import { usable } from './grey.js';

/** @typedef {import('./geometry.js').Plane} Plane */
/** @typedef {import('./geometry.js').Lay} Lay */
/** @typedef {import('./geometry.js').Vector} Vector */
/** @typedef {import('./grey.js').Window} Window */
/** @typedef {import('./measure.js').Measure} Measure */
/** @typedef {import('./geometry.js').Grid & { token: string, label?: string, kind: string, domain: string, unit: string,
 *   window: Window, inverted: boolean, presets: Preset[], colour: boolean, whole: boolean,
 *   frame_seconds: number | null, start: number }} Manifest what the server says of a scan */
/** @typedef {Window & { name: string, key: string }} Preset */
/** What one scan is shown with; `point` is the voxel looked at, which gives every plane its slice.
 * @typedef {{ window: Window, inverted: boolean, point: Vector, measures: Measure[] }} Shown */
/** A part of the screen: which plane of which scan, and how it lies there.
 * @typedef {{ scan: number, plane: number, lay: Lay }} Pane */
/** @typedef {keyof typeof TURNS} TurnName */
/** @typedef {'window' | 'pan' | 'zoom' | 'scroll' | 'cross' | 'distance' | 'angle' | 'ellipse' | 'box'} Tool */
/** `offset`: mm from the first scan's position to the second's, for linked scrolling.
 * @typedef {{ shown: Shown[], panes: Pane[], active: number, tool: Tool, cine: boolean, linked: boolean, offset: Vector,
 *   chosen: number | null }} State */
/** What a scan was left with when another took its place, and what was told of it then.
 * @typedef {{ shown: Shown, plane: number, lay: Lay, look: object }} Left */
/** What does not change while a scan is shown. @typedef {{ scans: Manifest[], planes: Plane[][] }} World */

const UNEVEN = 10; // mm between slices that are not evenly spaced, at most

/** @type {() => Lay} */
export const fit = () => ({ turn: UPRIGHT, zoom: 1, pan: [0, 0] });

/** @param {Manifest[]} scans @returns {World} */
export const worldOf = (scans) => ({ scans, planes: scans.map(planesOf) });

/** @param {Manifest} scan @returns {Shown} */
const shownAtFirst = (scan) => ({
  window: scan.window,
  inverted: scan.inverted,
  point: [Math.floor(scan.columns / 2), Math.floor(scan.rows / 2), Math.min(scan.start, scan.slices - 1)],
  measures: [],
});

/** One pane for each scan, its stored plane fitted. @param {World} world @param {Tool} tool @returns {State} */
export const atFirst = (world, tool) => ({
  shown: world.scans.map(shownAtFirst),
  panes: world.scans.map((_, scan) => ({ scan, plane: 0, lay: fit() })),
  active: 0,
  tool,
  cine: false,
  linked: overlap(world),
  offset: [0, 0, 0],
  chosen: null,
});

/** Scans that were shown before as they were left. @param {State} state @param {World} world @param {Map<string, Left>} left @returns {State} */
export const back = (state, world, left) => {
  const were = world.scans.map((scan) => left.get(scan.token));
  return {
    ...state,
    shown: state.shown.map((shown, scan) => were[scan]?.shown ?? shown),
    panes: state.panes.map((pane) => {
      const was = were[pane.scan];
      return was ? { ...pane, plane: was.plane, lay: was.lay } : pane;
    }),
  };
};

/** The part of the screen that shows a scan, the active one first. @param {State} state @param {number} scan */
export const paneOf = (state, scan) =>
  state.panes[state.active].scan === scan ? state.active : state.panes.findIndex((pane) => pane.scan === scan);

/** @param {State} state @param {World} world @param {number} [pane] */
export const planeOf = (state, world, pane = state.active) => {
  const { scan, plane } = state.panes[pane];
  return world.planes[scan][plane];
};
/** From 0. @param {State} state @param {World} world @param {number} [pane] */
export const sliceOf = (state, world, pane = state.active) =>
  state.shown[state.panes[pane].scan].point[planeOf(state, world, pane).axis];

/** @template T @param {T[]} list @param {number} at @param {Partial<T>} change @returns {T[]} */
const changed = (list, at, change) => list.map((one, n) => (n === at ? { ...one, ...change } : one));
/** @param {State} state @param {Partial<Shown>} change @param {number} [scan] @returns {State} */
export const withShown = (state, change, scan = state.panes[state.active].scan) => ({
  ...state,
  shown: changed(state.shown, scan, change),
});
/** @param {State} state @param {Partial<Pane>} change @param {number} [pane] @returns {State} */
export const withPane = (state, change, pane = state.active) => ({
  ...state,
  panes: changed(state.panes, pane, change),
});
/** @param {State} state @param {(lay: Lay) => Lay} step @param {number} [pane] @returns {State} */
export const withLay = (state, step, pane = state.active) =>
  withPane(state, { lay: step(state.panes[pane].lay) }, pane);

/** @param {Vector} point @param {number} axis @param {number} value @returns {Vector} */
const moved = (point, axis, value) => {
  /** @type {Vector} */
  const made = [...point];
  made[axis] = value;
  return made;
};

/** To a slice, kept inside; a linked scan goes to the same place in the patient. @param {State} state @param {World} world @param {number} slice @param {number} [pane] @returns {State} */
export const toSlice = (state, world, slice, pane = state.active) => {
  const plane = planeOf(state, world, pane);
  const { scan } = state.panes[pane];
  const kept = Math.min(Math.max(Math.round(slice), 0), plane.depth - 1);
  if (kept === state.shown[scan].point[plane.axis]) return state;
  const next = withShown(state, { point: moved(state.shown[scan].point, plane.axis, kept) }, scan);
  return state.linked ? followed(next, world, pane) : next;
};

/** The other scan at the same place, as far as both files say where they are. @param {State} state @param {World} world @param {number} pane @returns {State} */
const followed = (state, world, pane) => {
  const plane = planeOf(state, world, pane);
  const { scan } = state.panes[pane];
  const place = patientAt(plane, sliceOf(state, world, pane), voxelIn(plane, state.shown[scan].point));
  if (!place) return state;
  return world.planes.reduce((now, planes, other) => {
    if (other === scan) return now;
    const same = planes.find((one) => one.name === plane.name);
    const sign = other > scan ? 1 : -1;
    const [x, y, z] = state.offset;
    const slice = same && nearestSlice(same, [place[0] + sign * x, place[1] + sign * y, place[2] + sign * z]);
    if (slice === null || slice === undefined || !same) return now;
    return withShown(now, { point: moved(now.shown[other].point, same.axis, slice) }, other);
  }, state);
};

/** Whether scrolling one scan can take the other along. @param {World} world */
export const linkable = (world) =>
  world.scans.length > 1 && world.scans.every((scan) => scan.placement !== null && scan.spacing !== null);

/**
 * Whether the middle of one scan lies within the other, as far as both files say where they are: only then do they
 * scroll together from the start. Two examinations may each count from a place of their own.
 * @param {World} world
 */
const overlap = (world) => {
  if (!linkable(world)) return false;
  const [[one], planes] = world.planes;
  const other = planes.find((plane) => plane.name === one.name);
  const middle = patientAt(one, Math.floor(one.depth / 2), [one.columns / 2, one.rows / 2]);
  const slice = middle && other ? nearestSlice(other, middle) : null;
  if (!middle || !other || slice === null || !other.normal) return false;
  const there = patientAt(other, slice, [0, 0]);
  const step = other.step ? Math.abs(dot(other.step, other.normal)) : UNEVEN;
  return there !== null && Math.abs(dot(middle, other.normal) - dot(there, other.normal)) <= step;
};

/** Linked from here on: what is shown now counts as the same place. @param {State} state @param {World} world @returns {State} */
export const linkedHere = (state, world) => {
  const [one, other] = state.panes.map((pane, n) => {
    const plane = world.planes[pane.scan][pane.plane];
    return patientAt(plane, sliceOf(state, world, n), voxelIn(plane, state.shown[pane.scan].point));
  });
  if (!one || !other) return state;
  return { ...state, linked: true, offset: [other[0] - one[0], other[1] - one[1], other[2] - one[2]] };
};

/** @param {State} state @param {World} world @returns {State} */
export const linkSwitched = (state, world) => {
  if (!linkable(world)) return state;
  return state.linked ? { ...state, linked: false } : linkedHere(state, world);
};

/** @param {State} state @param {World} world @returns {State} */
export const cineSwitched = (state, world) =>
  planeOf(state, world).depth > 1 ? { ...state, cine: !state.cine } : state;

/** @param {State} state @param {Vector} point @returns {State} */
export const toPoint = (state, point) => withShown(state, { point });

/** @param {State} state @param {Window} window @returns {State} */
export const toWindow = (state, window) => withShown(state, { window: usable(window) });

/**
 * After a drag: to the right is wider, downwards is a higher level (darker). A drag over 300 pixels doubles the width.
 * @param {Window} start @param {number} x @param {number} y CSS pixels @param {boolean} whole whether the scan's numbers are
 * @returns {Window}
 */
export const dragged = (start, x, y, whole) => {
  const step = Math.max(start.width, whole ? 2 : 1e-6) / 300;
  const round = (/** @type {number} */ value) => (whole ? Math.round(value) : Number(value.toPrecision(4)));
  return usable({ ...start, width: round(start.width + x * step), level: round(start.level + y * step) });
};

/** The preset that is shown, if one is. @param {Manifest} scan @param {Window} window */
export const presetOf = (scan, window) =>
  scan.presets.find(
    (one) => one.width === window.width && one.level === window.level && one.function === window.function,
  );

/** As it was opened, measurements kept. @param {State} state @param {World} world @returns {State} */
export const reset = (state, world) => {
  const { scan } = state.panes[state.active];
  const { window, inverted } = world.scans[scan];
  const panes = state.panes.map((pane) => (pane.scan === scan ? { ...pane, lay: fit() } : pane));
  return withShown({ ...state, panes, cine: false }, { window, inverted }, scan);
};

/** @param {State} state @param {keyof typeof TURNS} turn @returns {State} */
export const turned = (state, turn) =>
  withLay(state, (lay) => ({ ...lay, turn: after(TURNS[turn], lay.turn), pan: turnedPan(turn, lay.pan) }));

/** What was in the middle stays there. @param {keyof typeof TURNS} turn @param {import('./geometry.js').Point} pan @returns {import('./geometry.js').Point} */
const turnedPan = (turn, [x, y]) => {
  const [a, b, c, d] = TURNS[turn];
  return [a * x + b * y, c * x + d * y];
};

/** One pane, or one for each plane of the scan. @param {State} state @param {World} world @param {boolean} [all] @returns {State} */
export const laidOut = (state, world, all = state.panes.length === 1) => {
  const { scan, plane } = state.panes[state.active];
  if (world.scans.length > 1) return state;
  if (!all) return { ...state, panes: [{ ...state.panes[state.active], lay: fit() }], active: 0 };
  const panes = world.planes[scan].map((_, n) => ({ scan, plane: n, lay: fit() }));
  return panes.length > 1 ? { ...state, panes, active: plane } : state;
};

/** The next plane, or a named one, in the active pane. @param {State} state @param {World} world @param {number} [plane] @returns {State} */
export const toPlane = (state, world, plane) => {
  const now = state.panes[state.active];
  const count = world.planes[now.scan].length;
  const next = plane ?? (now.plane + 1) % count;
  if (next === now.plane || next >= count) return state;
  if (state.panes.length > 1 && world.scans.length === 1) return { ...state, active: next };
  return withPane(state, { plane: next, lay: fit() });
};

/** @param {State} state @param {Omit<Measure, 'id'>} measure @param {number} scan the one it lies on @returns {State} */
export const measured = (state, measure, scan) => {
  const all = state.shown.flatMap((shown) => shown.measures.map((one) => one.id));
  const id = Math.max(0, ...all) + 1;
  const { measures } = state.shown[scan];
  return withShown({ ...state, chosen: id }, { measures: [...measures, { ...measure, id }] }, scan);
};

/** @param {State} state @param {number} id @param {Partial<Measure>} change @returns {State} */
export const remeasured = (state, id, change) => ({
  ...state,
  shown: state.shown.map((shown) => ({
    ...shown,
    measures: shown.measures.map((one) => (one.id === id ? { ...one, ...change } : one)),
  })),
});

/** @param {State} state @param {number} id @returns {State} */
export const unmeasured = (state, id) => ({
  ...state,
  chosen: state.chosen === id ? null : state.chosen,
  shown: state.shown.map((shown) => ({ ...shown, measures: shown.measures.filter((one) => one.id !== id) })),
});

/** To where a measurement was made. @param {State} state @param {World} world @param {number} id @returns {State} */
export const toMeasure = (state, world, id) => {
  const scan = state.shown.findIndex((shown) => shown.measures.some((one) => one.id === id));
  const measure = scan < 0 ? undefined : state.shown[scan].measures.find((one) => one.id === id);
  if (!measure) return state;
  const plane = world.planes[scan].findIndex((one) => one.axis === measure.axis);
  const open = state.panes.findIndex((pane) => pane.scan === scan && pane.plane === plane);
  const active = open >= 0 ? open : state.panes.findIndex((pane) => pane.scan === scan);
  const there = toPlane({ ...state, active, chosen: id }, world, plane);
  return toSlice(there, world, measure.slice);
};
