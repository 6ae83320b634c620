// Shows why a question was refused before it came to the page's own functions (too many at once, too large, no server):
// Gradio would show the word "Error" and no more.
const refusal = element.querySelector('.refusal');
const send = window.fetch.bind(window);

function tell(sentence) {
  refusal.textContent = sentence;
  refusal.hidden = !sentence;
  // What is on the page answers an earlier question.
  document.documentElement.classList.toggle('refused', Boolean(sentence));
}

window.fetch = async (address, ...rest) => {
  const question = String(address.url ?? address).includes('/gradio_api/run/');
  try {
    const answer = await send(address, ...rest);
    if (question && answer.ok) tell('');
    else if (question) {
      const body = await answer.clone().json().catch(() => ({}));
      tell(body.error || `The server refused with status ${answer.status}.`);
    }
    return answer;
  } catch (error) {
    if (question) tell('The server cannot be reached. Is it still running?');
    throw error;
  }
};
