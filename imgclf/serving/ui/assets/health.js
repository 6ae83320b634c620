// Asks the server how it is, every few seconds, without Gradio: a server that is gone shall show as gone.
const EVERY = 5000;

function set(key, text) {
  for (const place of document.querySelectorAll(`[data-health="${key}"]`)) place.textContent = text;
}

function duration(seconds) {
  const units = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]];
  const [name, size] = units.find(([, size]) => seconds >= size) || units[3];
  const count = Math.floor(seconds / size);
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}

async function look() {
  let state = 'ready';
  try {
    const health = await (await fetch('../health')).json();
    set('device', health.device);
    set('version', health.version);
    set('uptime', duration(health.uptime_seconds));
    const ready = health.ready ? await (await fetch('../ready')).json() : {};
    set('queue', ready.queue ?? '…');
    if (!health.ready) state = 'not ready';
    set('pill', state === 'ready' ? `ready · ${health.device}` : 'not ready');
  } catch {
    state = 'unreachable';
    set('pill', 'unreachable');
  }
  set('status', state);
  for (const pill of document.querySelectorAll('[data-health="pill"]')) pill.dataset.state = state;
}

look();
document.addEventListener('look', look);  // a table that was not on the page until now
setInterval(() => { if (!document.hidden) look(); }, EVERY);
document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
