// Takes an image by click, drop, paste or example; its bytes go with each question and are kept nowhere else.
const input = element.querySelector('input');
const preview = element.querySelector('.drop img');
const ask = element.querySelector('.ask');
const chosen = element.querySelector('.chosen');
const problem = element.querySelector('.note');
const examples = element.querySelector('.examples');
const drop = element.querySelector('.drop');
const megabytes = (bytes) => (bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 1 });

element.querySelector('small').textContent =
  `JPEG, PNG, WebP, GIF, BMP or TIFF, up to ${megabytes(props.limit)} MB`;

function complain(sentence) {
  problem.textContent = sentence;
  problem.hidden = !sentence;
}

function show(name, data) {
  ask.hidden = true;
  preview.hidden = chosen.hidden = false;
  preview.src = data;
  preview.alt = name;
  chosen.textContent = name;
}

function take(file, name, example) {
  if (!file) return;
  if (file.size > props.limit) {
    complain(`The image has ${megabytes(file.size)} MB, and ${megabytes(props.limit)} MB are the most that this server takes. Choose a smaller one.`);
    return;
  }
  complain('');
  for (const button of examples.children) button.setAttribute('aria-pressed', button === example);
  const reader = new FileReader();
  reader.onload = () => {
    // A browser writes "data:" and no more for an empty file; the server says what is wrong with it.
    const data = reader.result.includes(',') ? reader.result : 'data:image/png;base64,';
    show(name, data);
    props.value = { name, data };
    trigger('upload');
    if (document.querySelector('.show-map input')?.checked) trigger('select');  // else there is no map to renew
  };
  reader.onerror = () => complain('The file cannot be read. Choose another one.');
  reader.readAsDataURL(file);
}

// What a browser cannot show (TIFF, a broken file) has its name only; the server may read it all the same.
preview.addEventListener('error', () => { preview.hidden = true; });
input.addEventListener('change', () => { take(input.files[0], input.files[0]?.name); input.value = ''; });
drop.addEventListener('dragover', (event) => { event.preventDefault(); drop.classList.add('over'); });
drop.addEventListener('dragleave', () => drop.classList.remove('over'));
drop.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  take(event.dataTransfer.files[0], event.dataTransfer.files[0]?.name);
});
document.addEventListener('paste', (event) => {
  const file = [...event.clipboardData.files].find((one) => one.type.startsWith('image/'));
  if (file) take(file, file.name || 'pasted.png');
});

examples.hidden = !props.examples.length;
props.examples.forEach((label, number) => {
  const button = document.createElement('button');
  const picture = document.createElement('img');
  button.type = 'button';
  button.title = label;
  button.setAttribute('aria-pressed', 'false');
  picture.src = `examples/${number}`;
  picture.alt = `Example: ${label}`;
  button.append(picture);
  button.addEventListener('click', async () => {
    const answer = await fetch(picture.src);
    if (!answer.ok) return complain('The example is gone. Choose another image.');
    const name = answer.headers.get('x-file-name') || `example-${number}.png`;
    take(await answer.blob(), decodeURIComponent(name), button);
  });
  examples.append(button);
});
