// @ts-check
// Where a picture's pixels lie: its planes, their millimetres and letters, and how they are laid on the screen.
// Directions and positions are the patient's, in mm: +x to the left, +y to the back, +z to the head (DICOM's).

/** @typedef {[number, number]} Point */
/** @typedef {[number, number, number]} Vector */
/** A quarter turn or mirroring, row by row: screen = [a b; c d] · plane. @typedef {[number, number, number, number]} Turn */
/** @typedef {'axial' | 'coronal' | 'sagittal' | 'stored'} PlaneName */
/** Directions in which the column and the row index grow, the centre of each slice's first pixel (none where only
 * directions are known), and the way from slice to slice (null where they are not even).
 * @typedef {{ across: Vector, down: Vector, positions: Vector[], step: Vector | null }} Placement */
/** mm between neighbours along columns' index, rows' index and slices. @typedef {{ row: number, column: number, between: number | null }} Spacing */
/** What of a scan its geometry rests on.
 * @typedef {{ columns: number, rows: number, slices: number, spacing: Spacing | null, placement: Placement | null,
 *   volume: boolean }} Grid */
/**
 * One way to cut a scan. `axis`: which index is fixed (0 column, 1 row, 2 slice). `metric` [p, q, r]: a step of (x, y)
 * pixels is (p x + q y, r y) mm, or pixels where `calibrated` is false. `letters`: of growing x and y. `base`: the turn
 * that shows it as radiologists do. `origins`: the first pixel's centre, of each slice or of the first one.
 * @typedef {{ name: PlaneName, axis: 0 | 1 | 2, columns: number, rows: number, depth: number,
 *   metric: [number, number, number], calibrated: boolean, letters: [string, string] | null, base: Turn,
 *   oblique: boolean, normal: Vector | null, origins: Vector[], step: Vector | null,
 *   across: Vector | null, down: Vector | null }} Plane
 */

/** @type {Turn} */
export const UPRIGHT = [1, 0, 0, 1];
export const TURNS = {
  /** @type {Turn} */ right: [0, -1, 1, 0],
  /** @type {Turn} */ left: [0, 1, -1, 0],
  /** @type {Turn} */ mirror: [-1, 0, 0, 1],
  /** @type {Turn} */ flip: [1, 0, 0, -1],
};

/** `second` after `first`. @param {Turn} second @param {Turn} first @returns {Turn} */
export const after = ([a, b, c, d], [e, f, g, h]) => [
  a * e + b * g,
  a * f + b * h,
  c * e + d * g,
  c * f + d * h,
];

/** @param {Vector} u @param {Vector} v */
export const dot = (u, v) => u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
/** @param {Vector} u @param {Vector} v @returns {Vector} */
export const cross = (u, v) => [
  u[1] * v[2] - u[2] * v[1],
  u[2] * v[0] - u[0] * v[2],
  u[0] * v[1] - u[1] * v[0],
];
/** @param {Vector} v @param {number} by @returns {Vector} */
const times = (v, by) => [v[0] * by, v[1] * by, v[2] * by];
/** @param {Vector} u @param {Vector} v @returns {Vector} */
export const plus = (u, v) => [u[0] + v[0], u[1] + v[1], u[2] + v[2]];
/** @param {Vector} v */
const long = (v) => Math.hypot(...v);
/** @param {Vector} v @returns {Vector} */
const unit = (v) => times(v, 1 / (long(v) || 1));

const NAMES = [['L', 'R'], ['P', 'A'], ['H', 'F']];
// A second letter from 15 degrees on: sin 15.
const OBLIQUE = 0.26;

/** Letters of a direction, the nearest first. @param {Vector} direction */
export const lettersOf = (direction) =>
  unit(direction)
    .map((part, axis) => ({ size: Math.abs(part), letter: NAMES[axis][part < 0 ? 1 : 0] }))
    .sort((one, other) => other.size - one.size)
    .filter((one, rank) => rank === 0 || one.size >= OBLIQUE)
    .map((one) => one.letter)
    .join('');

/** @type {Record<string, string>} */
const ACROSS = { L: 'R', R: 'L', A: 'P', P: 'A', H: 'F', F: 'H' };
/** @param {string} letters */
export const opposite = (letters) => [...letters].map((letter) => ACROSS[letter] ?? letter).join('');

/**
 * Letters at the edges of the screen, or none where the file gave no directions.
 * @param {Turn} turn how the plane lies on the screen
 * @param {[string, string] | null} letters of growing x and y
 */
export const edges = ([a, b, c, d], letters) => {
  if (!letters) return null;
  // The turn's rows say which way of the plane goes to the right and down on the screen.
  const along = (/** @type {number} */ x, /** @type {number} */ y) => {
    const said = x ? letters[0] : letters[1];
    return (x || y) > 0 ? said : opposite(said);
  };
  const right = along(a, b);
  const bottom = along(c, d);
  return { right, bottom, left: opposite(right), top: opposite(bottom) };
};

// What goes to the right and down on the screen: the patient seen from the feet, from the front, from the left.
/** @type {Record<'axial' | 'coronal' | 'sagittal', [Vector, Vector]>} */
const CONVENTION = {
  axial: [[1, 0, 0], [0, 1, 0]],
  coronal: [[1, 0, 0], [0, 0, -1]],
  sagittal: [[0, 1, 0], [0, 0, -1]],
};
/** By the patient axis that the plane's normal is nearest to. @type {('sagittal' | 'coronal' | 'axial')[]} */
const BY_NORMAL = ['sagittal', 'coronal', 'axial'];

/**
 * The turn that lays growing x and y the way radiologists look at that plane.
 * @param {'axial' | 'coronal' | 'sagittal'} name @param {Vector} x @param {Vector} y @returns {Turn}
 */
export const conventional = (name, x, y) => {
  const [right, down] = CONVENTION[name];
  const straight = Math.abs(dot(unit(x), right)) + Math.abs(dot(unit(y), down));
  const swapped = Math.abs(dot(unit(x), down)) + Math.abs(dot(unit(y), right));
  const sign = (/** @type {number} */ value) => (value < 0 ? -1 : 1);
  return straight >= swapped
    ? [sign(dot(x, right)), 0, 0, sign(dot(y, down))]
    : [0, sign(dot(y, right)), sign(dot(x, down)), 0];
};

/**
 * Which patient axis each normal is nearest to, no two the same.
 * @param {Vector[]} normals three
 */
const assigned = (normals) => {
  const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
  const fit = (/** @type {number[]} */ order) =>
    order.reduce((sum, axis, n) => sum + Math.abs(unit(normals[n])[axis]), 0);
  return orders.reduce((best, order) => (fit(order) > fit(best) ? order : best));
};

/** Steps in mm from column to column, row to row, slice to slice. @param {Grid} grid @param {Placement} placement @returns {[Vector, Vector, Vector]} */
export const steps = ({ spacing }, placement) => {
  const x = times(unit(placement.across), spacing ? spacing.column : 1);
  const y = times(unit(placement.down), spacing ? spacing.row : 1);
  return [x, y, placement.step ?? times(unit(cross(x, y)), (spacing && spacing.between) || 1)];
};

/** The part of y at right angles to x: what lies that way on the screen, also where the gantry was tilted. @param {Vector} x @param {Vector} y */
const upright = (x, y) => plus(y, times(unit(x), -dot(unit(x), y)));

/** @param {Vector} x @param {Vector} y @returns {[number, number, number]} */
const metricOf = (x, y) => {
  const along = dot(unit(x), y);
  return [long(x), along, Math.sqrt(Math.max(dot(y, y) - along * along, 1e-12))];
};

/** The ways a scan can be cut, the one it was stored in first. @param {Grid} grid @returns {Plane[]} */
export const planesOf = (grid) => {
  const { placement } = grid;
  // A radiograph stays as it was stored: turned over, a side marker in it would read backwards.
  if (!placement || !placement.positions.length) return [plainPlane(grid)];
  const moves = steps(grid, placement);
  const sizes = [grid.columns, grid.rows, grid.slices];
  /** @type {[0 | 1 | 2, 0 | 1 | 2, 0 | 1 | 2][]} fixed axis, then what x and y of the plane are */
  const cuts = [[2, 0, 1], [1, 0, 2], [0, 1, 2]];
  const order = assigned(cuts.map(([, x, y]) => cross(moves[x], moves[y])));
  return cuts.slice(0, grid.volume ? 3 : 1).map(([axis, x, y], n) => {
    const name = BY_NORMAL[order[n]];
    const normal = unit(cross(moves[x], moves[y]));
    return {
      name,
      axis,
      columns: sizes[x],
      rows: sizes[y],
      depth: sizes[axis],
      metric: metricOf(moves[x], moves[y]),
      calibrated: grid.spacing !== null,
      letters: [lettersOf(moves[x]), lettersOf(upright(moves[x], moves[y]))],
      base: conventional(name, moves[x], moves[y]),
      oblique: Math.abs(normal[order[n]]) < Math.cos(Math.PI / 12),
      normal,
      origins: axis === 2 && !placement.step ? placement.positions : placement.positions.slice(0, 1),
      step: axis === 2 && !placement.step && grid.slices > 1 ? null : moves[axis],
      across: moves[x],
      down: moves[y],
    };
  });
};

/** A picture of which no position is known: shown as it is stored. @param {Grid} grid @returns {Plane} */
const plainPlane = ({ columns, rows, slices, spacing, placement }) => ({
  name: 'stored',
  axis: 2,
  columns,
  rows,
  depth: slices,
  metric: spacing ? [spacing.column, 0, spacing.row] : [1, 0, 1],
  calibrated: spacing !== null,
  letters: placement ? [lettersOf(placement.across), lettersOf(placement.down)] : null,
  base: UPRIGHT,
  oblique: false,
  normal: null,
  origins: [],
  step: null,
  across: null,
  down: null,
});

/** A way within the plane, from pixels to mm (or pixels, uncalibrated). @param {Plane} plane @param {Point} way @returns {Point} */
export const inMm = ({ metric: [p, q, r] }, [x, y]) => [p * x + q * y, r * y];

/** @typedef {{ turn: Turn, zoom: number, pan: Point }} Lay how a plane is laid on the screen: zoom 1 is fitted, pan in CSS pixels */
/** @typedef {[number, number, number, number, number, number]} Matrix as canvas takes it: x' = a x + c y + e, y' = b x + d y + f */

/** The whole turn, the conventional one and the user's. @param {Plane} plane @param {Lay} lay */
export const wholeTurn = (plane, lay) => after(lay.turn, plane.base);

/**
 * CSS pixels for a mm (or for a pixel, uncalibrated) at which the plane just fits.
 * @param {Plane} plane @param {Lay} lay @param {number} width @param {number} height
 */
export const fitted = (plane, lay, width, height) => {
  const [a, b, c, d] = wholeTurn(plane, lay);
  const [p, q, r] = plane.metric;
  const wide = Math.abs(p * plane.columns) + Math.abs(q * plane.rows);
  const high = Math.abs(r * plane.rows);
  const across = Math.abs(a) * wide + Math.abs(b) * high;
  const down = Math.abs(c) * wide + Math.abs(d) * high;
  return Math.min(width / across, height / down);
};

/**
 * From the plane's pixels (the first one spans 0..1) to CSS pixels of a stage.
 * @param {Plane} plane @param {Lay} lay @param {number} width @param {number} height @returns {Matrix}
 */
export const matrix = (plane, lay, width, height) => {
  const scale = fitted(plane, lay, width, height) * lay.zoom;
  const [a, b, c, d] = wholeTurn(plane, lay);
  const [p, q, r] = plane.metric;
  const xx = scale * a * p;
  const yx = scale * c * p;
  const xy = scale * (a * q + b * r);
  const yy = scale * (c * q + d * r);
  const midX = plane.columns / 2;
  const midY = plane.rows / 2;
  return [
    xx,
    yx,
    xy,
    yy,
    width / 2 + lay.pan[0] - xx * midX - xy * midY,
    height / 2 + lay.pan[1] - yx * midX - yy * midY,
  ];
};

/** @param {Matrix} matrix @param {Point} point @returns {Point} */
export const onScreen = ([a, b, c, d, e, f], [x, y]) => [a * x + c * y + e, b * x + d * y + f];

/** @param {Matrix} matrix @param {Point} point @returns {Point} */
export const inPlane = ([a, b, c, d, e, f], [x, y]) => {
  const whole = a * d - b * c;
  return [(d * (x - e) - c * (y - f)) / whole, (a * (y - f) - b * (x - e)) / whole];
};

/** The pan that keeps what is under `at` there while the zoom changes. @param {Lay} lay @param {number} zoom @param {Point} at from the stage's middle @returns {Lay} */
export const zoomedAt = (lay, zoom, at) => {
  const by = zoom / lay.zoom;
  return { ...lay, zoom, pan: [at[0] + (lay.pan[0] - at[0]) * by, at[1] + (lay.pan[1] - at[1]) * by] };
};

/** The centre of a slice's first pixel; null where the file does not say. @param {Plane} plane @param {number} slice @returns {Vector | null} */
const originOf = ({ origins, step, calibrated }, slice) => {
  if (!calibrated || !origins.length) return null;
  return step ? plus(origins[0], times(step, slice)) : origins[slice] ?? null;
};

/**
 * The patient's position of a place in a plane, mm; null where the file does not say.
 * @param {Plane} plane @param {number} slice @param {Point} point whole numbers are the edges of pixels
 * @returns {Vector | null}
 */
export const patientAt = (plane, slice, [x, y]) => {
  const origin = originOf(plane, slice);
  if (!origin || !plane.across || !plane.down) return null;
  return plus(origin, plus(times(plane.across, x - 0.5), times(plane.down, y - 0.5)));
};

/**
 * The slice of a plane that lies nearest to a place in the patient; null where the file does not say.
 * @param {Plane} plane @param {Vector} place
 */
export const nearestSlice = (plane, place) => {
  const { normal, depth } = plane;
  if (!normal) return null;
  let [best, least] = [-1, Infinity];
  for (let slice = 0; slice < depth; slice++) {
    const origin = originOf(plane, slice);
    if (!origin) return null;
    const apart = Math.abs(dot(place, normal) - dot(origin, normal));
    if (apart < least) [best, least] = [slice, apart];
  }
  return best < 0 ? null : best;
};

/** Where a voxel lies in a plane, its middle. @param {Plane} plane @param {Vector} voxel @returns {Point} */
export const voxelIn = (plane, voxel) => {
  const [x, y] = [0, 1, 2].filter((axis) => axis !== plane.axis);
  return [voxel[x] + 0.5, voxel[y] + 0.5];
};

/** The voxel at a place of a plane's slice, kept inside. @param {Plane} plane @param {number} slice @param {Point} point @returns {Vector} */
export const voxelAt = (plane, slice, [x, y]) => {
  const inside = (/** @type {number} */ value, /** @type {number} */ size) =>
    Math.min(Math.max(Math.floor(value), 0), size - 1);
  const flat = [inside(x, plane.columns), inside(y, plane.rows)];
  /** @type {Vector} */
  const voxel = [0, 0, 0];
  let next = 0;
  for (const axis of [0, 1, 2]) voxel[axis] = axis === plane.axis ? slice : flat[next++];
  return voxel;
};
