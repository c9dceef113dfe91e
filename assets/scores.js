// The Scores tab: asks for what is chosen, draws it, keeps it in the page's address. Runs once, in the tab's element.
// The server is asked by `server.look` `rows` `open_case` `published` `version` `training`.
const FIELDS = ['task', 'run', 'against', 'metric', 'domain', 'kind', 'which', 'words', 'at_domain', 'at_kind'];
const root = element.querySelector('.sc');
const part = (name) => root.querySelector(`[data-part=${name}]`);
const say = (words) => { root.querySelector('[data-live]').textContent = words; };
const LIGHT = { ink: '#17222a', line: '#dbe2e6', panel: '#ffffff', quiet: '#52616b' };
const CAUTION = 'Research demo. Not for diagnosis.';
const UNREAD = 'The scores could not be read. Check that the page is still connected; it tries again by itself.';
let query = {};
let plots = {};
let outside = {};
let lessons = {};
let asked = 0;
let known = 0;
let place = -1;
let opener = null;

// The address: only what differs from the default stands in it.
const read = () => {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(FIELDS.filter((name) => given.get(name)).map((name) => [name, given.get(name)]));
};
const address = () => {
  const url = new URL(location.href);
  FIELDS.forEach((name) => url.searchParams.delete(name));
  url.searchParams.set('tab', 'scores');
  FIELDS.forEach((name) => { if (query[name]) url.searchParams.set(name, query[name]); });
  return url;
};

// Plotly's script comes from our own server, when the tab is first looked at.
let drawing = null;
const plotly = () => {
  drawing = drawing || new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = new URL('scores/plotly.js', document.baseURI);
    script.onload = () => done(window.Plotly);
    script.onerror = () => failed(new Error('no script'));
    document.head.append(script);
  });
  return drawing;
};
const tones = () => {
  const style = getComputedStyle(document.body);
  const tone = (name) => style.getPropertyValue(`--${name}`).trim() || LIGHT[name];
  return { ink: tone('ink'), line: tone('line'), panel: tone('panel'), quiet: tone('quiet') };
};
const toned = (layout, tone, paper) => {
  const made = structuredClone(layout);
  made.font = { ...made.font, color: tone.ink, family: getComputedStyle(element).fontFamily };
  made.paper_bgcolor = paper || 'rgba(0,0,0,0)';
  for (const name of ['xaxis', 'yaxis']) {
    made[name] = { ...made[name], gridcolor: tone.line, zerolinecolor: tone.quiet, linecolor: tone.line };
  }
  made.hoverlabel = { ...made.hoverlabel, bgcolor: tone.panel, bordercolor: tone.line, font: { color: tone.ink } };
  return made;
};
const whiskers = (data, tone) => data.map((trace) => (trace.error_x ? { ...trace, error_x: { ...trace.error_x, color: tone.ink } } : trace));

const figureOf = (name) => plots[name] || outside[name] || lessons[name];
// One after the other: of two that draw the same plot at once, the one with the older tones could end last.
let drawn = Promise.resolve();
const draw = (within) => (drawn = drawn.then(() => drawAll(within)));
const drawAll = async (within) => {
  const frames = [...within.querySelectorAll('figure[data-plot]')];
  if (!frames.length) return;
  let Plotly;
  try {
    Plotly = await plotly();
  } catch (problem) {
    drawing = null;
    frames.forEach((frame) => { frame.querySelector('.sc-canvas').textContent = 'The plots could not be loaded; the tables have their numbers.'; });
    return;
  }
  for (const frame of frames) {
    const tone = tones(); // Of this moment: the theme may have changed since the first plot.
    const made = figureOf(frame.dataset.plot);
    const canvas = frame.querySelector('.sc-canvas');
    // What is folded away, or in a tab that is not looked at, has no width: it is drawn when it is seen.
    if (!made || !canvas.isConnected || !canvas.clientWidth) continue;
    const as = `${canvas.clientWidth} ${Object.values(tone)}`;
    if (canvas.made === made && canvas.as === as) continue;
    const narrow = canvas.clientWidth < 480;
    const layout = toned(made.layout, tone);
    layout.title = { text: '' };
    layout.width = canvas.clientWidth;
    layout.margin = { ...layout.margin, t: 30 };
    if (narrow) {
      layout.font.size = 11;
      const { title } = layout.xaxis;
      if (title.text.length > 26) title.text = title.text.replace(/(.{14,26}) /g, '$1<br>');
    }
    Object.assign(canvas, { made, as });
    await Plotly.react(canvas, whiskers(made.data, tone), layout, { displayModeBar: false });
    if (!canvas.listens) {
      canvas.listens = true;
      canvas.on('plotly_click', (event) => clicked(frame.dataset.plot, event.points[0]));
    }
  }
};
const clicked = (name, point) => {
  const made = figureOf(name);
  const field = { domain: 'at_domain', kind: 'at_kind' }[name.split('-')[0]];
  if (made && field && made.marks[point.pointIndex]) narrow(field, made.marks[point.pointIndex]);
};
// From a bar, a row of its table, or the chip that takes it back: the cases of one group.
const narrow = async (field, value) => {
  query = { ...query, at_domain: '', at_kind: '', [field]: value, start: 0 };
  await list();
  part('cases').scrollIntoView({ block: 'nearest' });
};

// What was open stays open, what had the focus keeps it, and a plot that is still there moves over as it is.
const swap = (target, html) => {
  const open = new Set([...target.querySelectorAll('details[open]')].map((one) => one.dataset.key));
  const held = target.contains(document.activeElement) ? document.activeElement : null;
  const caret = held && held.type === 'search' ? held.selectionStart : null;
  const canvases = new Map([...target.querySelectorAll('figure[data-plot]')].map((one) => [one.dataset.plot, one.querySelector('.sc-canvas')]));
  target.innerHTML = html;
  target.querySelectorAll('figure[data-plot]').forEach((frame) => {
    const old = canvases.get(frame.dataset.plot);
    const fresh = frame.querySelector('.sc-canvas');
    if (!old || !old.listens) return;
    old.style.minHeight = fresh.style.minHeight;
    old.setAttribute('aria-label', fresh.getAttribute('aria-label'));
    fresh.replaceWith(old);
    canvases.delete(frame.dataset.plot);
  });
  if (window.Plotly) canvases.forEach((old) => window.Plotly.purge(old));
  target.querySelectorAll('details[data-key]').forEach((one) => { if (open.has(one.dataset.key)) one.open = true; });
  const again = held && held.id ? target.querySelector(`#${CSS.escape(held.id)}`) : null;
  if (again) {
    again.focus();
    if (caret !== null) again.setSelectionRange(caret, caret);
  }
};

const look = async () => {
  const turn = ++asked;
  root.setAttribute('aria-busy', 'true');
  let got;
  try {
    got = await server.look(query);
  } catch (problem) {
    if (turn !== asked) return;
    say(UNREAD);
    if (!known) part('head').innerHTML = `<p class="sc-caution">${UNREAD}</p>`;
    setTimeout(() => { if (turn === asked) look(); }, 5000);
    return;
  }
  if (turn !== asked) return;
  known = got.version;
  plots = got.plots;
  query = got.query;
  for (const name of ['head', 'figures', 'main', 'cases', 'more', 'flips', 'about']) swap(part(name), got.parts[name] || '');
  root.querySelector('[data-key=published]').hidden = !got.parts.figures;
  root.setAttribute('aria-busy', 'false');
  const first = root.querySelector('.sc-card[data-side=first] .sc-value');
  if (first) say(`${first.closest('.sc-card').querySelector('h3').textContent}: ${first.textContent}`);
  await draw(part('main'));
  await draw(part('more'));
  root.dataset.drawn = turn;
};
const list = async () => {
  const turn = ++asked;
  const got = await server.rows(query);
  if (turn !== asked) return;
  swap(part('cases'), got.cases);
  keep();
};
const keep = () => history.replaceState(history.state, '', address());

const published = async (given) => {
  const got = await server.published(given);
  outside = got.plots;
  swap(part('published'), got.html);
  await draw(part('published'));
};

// Downloads: pictures in light tones with the caution in them, numbers as CSV.
const save = async (name, form) => {
  const made = figureOf(name);
  const link = document.createElement('a');
  link.download = `medvlm-${name}.${form}`;
  if (form === 'csv') {
    link.href = URL.createObjectURL(new Blob(['\ufeff', made.csv], { type: 'text/csv' }));
  } else {
    const layout = toned(made.layout, LIGHT, '#ffffff');
    layout.height += 24;
    layout.margin = { ...layout.margin, b: layout.margin.b + 24 };
    layout.annotations = [{ text: CAUTION, xref: 'paper', yref: 'paper', x: 1, y: 1, xanchor: 'right', yanchor: 'bottom', yshift: 12, showarrow: false, font: { size: 11, color: LIGHT.quiet } }];
    const Plotly = await plotly();
    const size = { format: form, width: 960, height: layout.height, scale: form === 'png' ? 2 : 1 };
    link.href = await Plotly.toImage({ data: whiskers(made.data, LIGHT), layout }, size);
  }
  link.click();
  say(`${link.download} was saved`);
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
const copy = async (button, text) => say(await window.copied(button, text));

// One case: its picture, answers and verdicts.
const dialog = root.querySelector('.sc-dialog');
const places = () => [...part('cases').querySelectorAll('[data-act=case]')].map((one) => Number(one.dataset.place));
const show = async (at) => {
  place = at;
  const got = await server.open_case({ ...query, place: at });
  if (place !== at) return;
  const body = dialog.querySelector('[data-case]');
  if (got.case) body.innerHTML = got.case;
  else body.textContent = got.gone;
  const all = places();
  dialog.querySelector('[data-act=before]').disabled = all.indexOf(at) <= 0;
  dialog.querySelector('[data-act=after]').disabled = all.indexOf(at) === all.length - 1;
  if (!dialog.open) dialog.showModal();
};
const step = (by) => {
  const all = places();
  const next = all[all.indexOf(place) + by];
  if (next !== undefined) show(next);
};
dialog.addEventListener('close', () => { place = -1; if (opener && opener.isConnected) opener.focus(); });
dialog.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowLeft') step(-1);
  if (event.key === 'ArrowRight') step(1);
});
dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });

const acts = {
  case: (button) => { opener = button; show(Number(button.dataset.place)); },
  before: () => step(-1),
  after: () => step(1),
  close: () => dialog.close(),
  save: (button) => save(button.dataset.plot, button.dataset.form),
  sentence: (button) => copy(button, button.dataset.sentence),
  link: (button) => copy(button, address().href),
  mark: (button) => narrow(button.dataset.field, button.dataset.value),
  run: async (button) => { query = { run: button.dataset.run }; await look(); keep(); },
  page: (button) => { query = { ...query, start: Number(button.dataset.start) }; list(); },
};
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-act]');
  if (button && acts[button.dataset.act]) acts[button.dataset.act](button);
});
element.addEventListener('submit', (event) => event.preventDefault());
element.addEventListener('change', async (event) => {
  const { name, value } = event.target;
  if (name === 'paper') return published({ paper: value });
  if (name === 'column') return published({ paper: element.querySelector('[name=paper]').value, column: value });
  if (name === 'which') { query = { ...query, which: value, start: 0 }; return list(); }
  if (!FIELDS.includes(name) || name === 'words') return;
  query = { ...query, [name]: value, start: 0 };
  // Another run or task has comparisons, kinds and groups of its own.
  if (name === 'run' || name === 'task') query = { ...query, against: '', kind: '', at_domain: '', at_kind: '' };
  if (name === 'task') query.run = '';
  if (name === 'domain' || name === 'kind') query[`at_${name}`] = '';
  await look();
  keep();
});
let typing = 0;
element.addEventListener('input', (event) => {
  if (event.target.name !== 'words') return;
  clearTimeout(typing);
  typing = setTimeout(() => { query = { ...query, words: event.target.value, start: 0 }; list(); }, 250);
});
element.querySelector('[data-key=published]').addEventListener('toggle', (event) => {
  if (!event.target.open) return;
  if (part('published').firstChild) draw(part('published'));
  else published({});
});

// Another theme, other tones; and runs that came, grew or went while the tab is looked at.
const redraw = () => ['main', 'more', 'published', 'training'].forEach((name) => draw(part(name)));
new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ['class'] });
new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) redraw(); }).observe(root);
// A window of another width: a plot's legend and letters are for the width that it was drawn at.
let resized = 0;
addEventListener('resize', () => { clearTimeout(resized); resized = setTimeout(redraw, 200); });
const seen = () => root.offsetParent !== null && !document.hidden;
setInterval(async () => {
  if (!seen() || !known || place >= 0) return;
  try {
    const got = await server.version({});
    if (got.version !== known) await look();
  } catch (problem) { /* The next beat asks again. */ }
}, 5000);

query = read();
look();
