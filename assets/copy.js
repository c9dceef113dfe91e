// Text to the clipboard, from a button that says whether it went there. Runs before the page's other scripts, once.
window.copied = async (button, text) => {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch (refused) { // Without https only the old way is open.
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand('copy');
    area.remove();
    button.focus();
  }
  const words = button.querySelector('span');
  words.dataset.words = words.dataset.words || words.textContent;
  words.textContent = done ? 'Copied' : 'Not copied';
  clearTimeout(button.copiedFor);
  button.copiedFor = setTimeout(() => { words.textContent = words.dataset.words; }, 1500);
  return words.textContent;
};
