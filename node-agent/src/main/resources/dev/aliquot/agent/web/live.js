// Keeps the state current: a stream of whole states. Where that breaks it says since when, and tries again.

const SILENCE_MS = 7000; // the agent says something every 2 s
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;
const REFUSED = 'as many watch as may: looking every few seconds';

/**
 * @param onState told each state
 * @param onStatus told whether it is live, else why not; may be told the same again
 */
export function watch(onState, onStatus) {
  let source = null;
  let watchdog = 0;
  let retry = 0;
  let pause = FIRST_PAUSE_MS;
  let episode = 0;
  let heardIn = 0; // the episode that the stream last said something in

  function close() {
    clearTimeout(watchdog);
    clearTimeout(retry);
    episode++;
    source?.close();
    source = null;
  }

  function heard(event) {
    pause = FIRST_PAUSE_MS;
    heardIn = episode;
    guard();
    onStatus(true, '');
    onState(JSON.parse(event.data));
  }

  function guard() {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => broken('the agent is silent'), SILENCE_MS);
  }

  async function broken(why) {
    close();
    onStatus(false, why);
    retry = setTimeout(open, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    await once(episode);
  }

  /** An agent that takes no more listeners, or a proxy that passes no stream on, still answers. */
  async function once(mine) {
    let node = null;
    try {
      const answer = await fetch('api/v1/node', { signal: AbortSignal.timeout(SILENCE_MS) });
      node = answer.ok ? await answer.json() : null;
    } catch {
      // said below
    }
    if (heardIn > mine) {
      return; // the stream has said more since
    }
    if (node) {
      onState({ at: new Date().toISOString(), node, point: null });
    } else {
      onStatus(false, 'no answer from the agent');
    }
  }

  function open() {
    close();
    source = new EventSource('api/v1/live');
    source.onmessage = heard;
    const mine = source;
    source.onerror = () => broken(mine.readyState === EventSource.CLOSED ? REFUSED : 'the connection to the agent is broken');
    guard();
  }

  // A tab that nobody sees takes nobody's place.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      close();
      onStatus(false, 'not looked at');
    } else {
      open();
    }
  });
  if (!document.hidden) {
    open();
  }
}
