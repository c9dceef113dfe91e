// The Training panel, behind scores.js in the same function: it asks while somebody looks, draws only what changed.
const panel = root.querySelector('.sc-training');
let told = { known: '', run: '' };
let asking = false;
const train = async (run) => {
  if (asking && run === undefined) return;
  asking = true;
  const wanted = { run: run === undefined ? told.run : run, known: run === undefined && panel.open === told.open ? told.known : '' };
  try {
    const got = await server.training(wanted);
    if (got.html === undefined) return;
    panel.querySelector('[data-training]').textContent = got.head;
    told = { known: got.known, run: got.run, open: panel.open };
    lessons = got.plots;
    if (!panel.open) return;
    swap(part('training'), got.html);
    await draw(part('training'));
    panel.dataset.drawn = Number(panel.dataset.drawn || 0) + 1;
  } catch (problem) { /* The next beat asks again. */ } finally {
    asking = false;
  }
};
acts.training = async (button) => {
  await train(button.dataset.run);
  const again = [...part('training').querySelectorAll('.tr-run')].find((one) => one.dataset.run === told.run);
  if (again) again.focus();
};
panel.addEventListener('toggle', () => { if (panel.open) train(); });
setInterval(() => { if (seen() && place < 0) train(); }, 3000);
train();
