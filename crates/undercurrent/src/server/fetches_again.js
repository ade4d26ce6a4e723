// In each page, before its scripts: where they don't come, since the network or the server has gone,
// they are fetched again, after 1, 2, 4 … 30 s and when the browser is back on the network. The page
// stays as it is meanwhile, with what is typed into it, and says that it waits. It says, too, that its
// program has died.
(() => {
  const MOST = 20;
  const MODULE = '[rel=modulepreload]', WASM = '[rel=preload][as=fetch]';
  const root = document.documentElement;
  // From then on nothing of the page is fetched: what the program throws is its own.
  const hasBegun = () => root.hasAttribute('data-begun');
  const href = (which) => document.querySelector(`link${which}`)?.href;
  let tries = 0, isLoading = false, timer, notice;

  // Not all pages of a server at once that is back.
  const waitMs = (tries) => Math.min(2 ** tries, 30) * (500 + Math.random() * 500);

  const say = (what, then, isOver) => {
    if (!notice) {
      notice = document.createElement('div');
      notice.className = 'undercurrent-waits';
      notice.setAttribute('role', 'status');
      // Beside the body: what is in there is taken up one by one.
      root.append(notice);
      // Where no style says otherwise it is seen, too.
      if (getComputedStyle(notice).position === 'static') {
        notice.style.cssText = 'position: fixed; inset: auto 1rem 1rem; padding: 1rem; background: Canvas; color: CanvasText; border: 1px solid';
      }
    }
    const strong = document.createElement('strong');
    strong.textContent = what;
    notice.replaceChildren(strong, then);
    if (isOver) {
      const again = document.createElement('a');
      again.href = '';
      // A router that still listens is to let it be.
      again.rel = 'external';
      again.textContent = 'Reload';
      notice.append(again);
    }
  };

  const later = () => {
    const isOver = tries >= MOST;
    const what = navigator.onLine ? 'This page has not loaded to its end.' : 'You are offline.';
    say(what, isOver ? ' Reload it to go on. ' : ' Trying again; what you type stays.', isOver);
    clearTimeout(timer);
    if (!isOver) timer = setTimeout(load, waitMs(tries));
  };

  // Something was rejected, or did not come. Browsers differ in how they say of what, and why: what
  // counts is whether the page's scripts are here. What became of its module a browser remembers.
  const come = async () => {
    await import(href(MODULE));
    const wasm = await fetch(href(WASM));
    if (!wasm.ok) throw wasm.status;
    await wasm.arrayBuffer();
    // They are. A page that is about to begin is let begin.
    await new Promise((over) => setTimeout(over, 1000));
  };

  const load = async () => {
    clearTimeout(timer);
    if (hasBegun()) return notice?.remove();
    if (isLoading) return;
    isLoading = true;
    try {
      if (!tries++) await come();
      if (hasBegun()) return;
      // A module that did not come is never asked for again, unless it is called otherwise.
      const script = await import(`${href(MODULE)}?${tries}`);
      await script.default({ module_or_path: `${href(WASM)}?${tries}` });
      notice?.remove();
      script.hydrate();
    } catch (why) {
      if (hasBegun()) throw why;
      later();
    } finally {
      isLoading = false;
    }
  };

  const thrown = (why) => {
    if (hasBegun()) {
      // A panic, too, ends in one.
      if (why instanceof WebAssembly.RuntimeError) say('This page has stopped.', ' Reload it to go on. ', true);
    } else if (!notice) {
      load();
    }
  };
  addEventListener('unhandledrejection', ({ reason }) => thrown(reason));

  // A style by itself: it has no part in whether the page lives.
  const styled = new WeakMap();
  const style = (link) => {
    const times = styled.get(link) ?? 0;
    if (times >= MOST) return;
    styled.set(link, times + 1);
    setTimeout(() => (link.href = `${link.href.split('?')[0]}?${times + 1}`), waitMs(times));
  };
  addEventListener('error', ({ target, error }) => {
    if (target.rel === 'stylesheet') style(target);
    else if (target === window ? hasBegun() : target.matches?.(`${MODULE}, ${WASM}`)) thrown(error);
  }, true);

  const isDue = () => notice && !hasBegun() && load();
  addEventListener('online', isDue);
  document.addEventListener('visibilitychange', () => document.hidden || isDue());
})();
