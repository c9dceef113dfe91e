// @ts-check
// Which key does what, and how the table behind "?" says it.

/** Keys as the browser names them, how they are written, what they do in words, and the step they take.
 * @typedef {{ keys: string[], written: string, does: string, step: string }} Key */

/** @type {Key[]} */
export const KEYS = [
  { keys: ['ArrowUp'], written: '↑', does: 'Slice before (wheel up)', step: 'before' },
  { keys: ['ArrowDown'], written: '↓', does: 'Slice after (wheel down)', step: 'after' },
  { keys: ['PageUp'], written: 'PgUp', does: 'Ten slices back', step: 'back' },
  { keys: ['PageDown'], written: 'PgDn', does: 'Ten slices on', step: 'on' },
  { keys: ['Home'], written: 'Home', does: 'First slice', step: 'first' },
  { keys: ['End'], written: 'End', does: 'Last slice', step: 'last' },
  { keys: ['c'], written: 'c', does: 'Cine: run through the slices, or stop', step: 'cine' },
  { keys: ['w'], written: 'w', does: 'Drag changes the window', step: 'tool window' },
  { keys: ['p'], written: 'p', does: 'Drag moves the picture', step: 'tool pan' },
  { keys: ['z'], written: 'z', does: 'Drag zooms', step: 'tool zoom' },
  { keys: ['y'], written: 'y', does: 'Drag scrolls through the slices', step: 'tool scroll' },
  { keys: ['x'], written: 'x', does: 'Crosshair: the same point in every plane', step: 'tool cross' },
  { keys: ['d'], written: 'd', does: 'Measure a distance', step: 'tool distance' },
  { keys: ['g'], written: 'g', does: 'Measure an angle', step: 'tool angle' },
  { keys: ['e'], written: 'e', does: 'Mean and deviation in an ellipse', step: 'tool ellipse' },
  { keys: ['f'], written: 'f', does: 'Mean and deviation in a box', step: 'tool box' },
  { keys: ['Delete', 'Backspace'], written: 'Del', does: 'Delete the measurement that is chosen', step: 'delete' },
  { keys: ['+'], written: '+', does: 'Zoom in', step: 'in' },
  { keys: ['-'], written: '−', does: 'Zoom out', step: 'out' },
  { keys: ['='], written: '=', does: 'Fit the picture', step: 'fit' },
  { keys: ['r'], written: 'r', does: 'Turn right', step: 'turn right' },
  { keys: ['l'], written: 'l', does: 'Turn left', step: 'turn left' },
  { keys: ['h'], written: 'h', does: 'Flip left and right', step: 'turn mirror' },
  { keys: ['v'], written: 'v', does: 'Flip top and bottom', step: 'turn flip' },
  { keys: ['i'], written: 'i', does: 'Invert black and white', step: 'invert' },
  { keys: ['q'], written: 'q', does: 'Next plane', step: 'plane' },
  { keys: ['m'], written: 'm', does: 'One plane, or all three', step: 'planes' },
  { keys: ['k'], written: 'k', does: 'Link two scans at what is shown now, or unlink', step: 'link' },
  { keys: [' '], written: 'Space', does: 'Reset window, zoom and turns', step: 'reset' },
];

/** The step of a key press, or "" for a key that is nobody's. @param {string} key @param {{ key: string }[]} presets */
export const stepOf = (key, presets) => {
  const preset = presets.findIndex((one) => one.key === key);
  if (preset >= 0) return `preset ${preset}`;
  return KEYS.find((one) => one.keys.includes(key.length === 1 ? key.toLowerCase() : key))?.step ?? '';
};

/** The letter for a step, for the hints on buttons. @param {string} step */
export const keyFor = (step) => KEYS.find((one) => one.step === step)?.written ?? '';

/** Rows of the table behind "?". @param {{ name: string, key: string, width: number, level: number }[]} presets */
export const rows = (presets) => [
  ...presets.filter((one) => one.key).map((one) => [one.key, `Window: ${one.name} (${one.width}/${one.level})`]),
  ...KEYS.map((one) => [one.written, one.does]),
];

/** Whether a key press belongs to somebody else: a text field, a dialog, a button that it presses. @param {KeyboardEvent} event */
export const isTaken = (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const target = event.target instanceof Element ? event.target : null;
  if (!target) return false;
  if (target.closest('input:not([type=range]), textarea, select, [contenteditable=true], .turns, #drawer')) return true;
  if (document.querySelector('dialog[open]')) return true;
  return (event.key === ' ' || event.key === 'Enter') && target.closest('button, summary, a, [role=button]') !== null;
};

/**
 * Shows the table: in the page's own dialog where it has one, else in the viewer's.
 * @param {HTMLElement} root @param {{ name: string, key: string, width: number, level: number }[]} presets
 */
export const help = (root, presets) => {
  const dialog = /** @type {HTMLDialogElement | null} */ (document.getElementById('keys') ?? root.querySelector('.mv-keys'));
  const table = dialog?.querySelector('table');
  if (!dialog || !table) return;
  table.querySelector('.mv-rows')?.remove();
  const body = table.createTBody();
  body.className = 'mv-rows';
  for (const [key, does] of rows(presets)) {
    const row = body.insertRow();
    row.innerHTML = '<th scope="row"><kbd></kbd></th><td></td>';
    /** @type {HTMLElement} */ (row.querySelector('kbd')).textContent = key;
    row.cells[1].textContent = does;
  }
  if (!dialog.open) dialog.showModal();
};
