// In each page, before its scripts: where they don't come, since the network or the server has gone,
// they are fetched again, after 1, 2, 4 … 30 s and when the browser is back on the network. The page
// stays as it is meanwhile, with what is typed into it, and says that it waits.
(() => {
  const MOST = 20;
  const root = document.documentElement;
  const isAlive = () => root.hasAttribute('data-hydrated');
  const href = (which) => document.querySelector(`link${which}`)?.href;
  let tries = 0, isLoading = false, timer, notice;

  // Browsers have words of their own, and so has wasm-bindgen for an answer that is none of success.
  // What a script throws that has come is none of it.
  const isMissing = (why) =>
    why instanceof WebAssembly.CompileError ||
    /^failed to fetch wasm/i.test(why?.message) ||
    (why instanceof TypeError && /fetch|import|load|network|http|connection/i.test(why.message));

  // Not all pages of a server at once that is back.
  const waitMs = (tries) => Math.min(2 ** tries, 30) * (500 + Math.random() * 500);

  const say = () => {
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
    const what = document.createElement('strong');
    what.textContent = navigator.onLine ? 'This page has not loaded to its end.' : 'You are offline.';
    const then = tries < MOST ? ' Trying again; what you type stays.' : ' Reload it to go on. ';
    notice.replaceChildren(what, then);
    if (tries >= MOST) {
      const again = document.createElement('a');
      again.href = '';
      again.textContent = 'Reload';
      notice.append(again);
    }
  };

  const later = () => {
    say();
    clearTimeout(timer);
    if (tries < MOST) timer = setTimeout(load, waitMs(tries));
  };

  const load = async () => {
    clearTimeout(timer);
    if (isAlive()) notice?.remove();
    if (isLoading || isAlive()) return;
    isLoading = true;
    tries += 1;
    try {
      // A module that did not come is never asked for again, unless it is called otherwise.
      const script = await import(`${href('[rel=modulepreload]')}?${tries}`);
      await script.default({ module_or_path: `${href('[rel=preload][as=fetch]')}?${tries}` });
      notice?.remove();
      script.hydrate();
    } catch (why) {
      if (!isMissing(why)) throw why;
      later();
    } finally {
      isLoading = false;
    }
  };

  addEventListener('unhandledrejection', (event) => {
    if (isAlive() || isLoading || !isMissing(event.reason)) return;
    event.preventDefault();
    later();
  });

  // A style by itself: it has no part in whether the page lives.
  const styled = new WeakMap();
  addEventListener('error', ({ target }) => {
    const times = styled.get(target) ?? 0;
    if (target.rel !== 'stylesheet' || times >= MOST) return;
    styled.set(target, times + 1);
    setTimeout(() => (target.href = `${target.href.split('?')[0]}?${times + 1}`), waitMs(times));
  }, true);

  const isDue = () => notice && load();
  addEventListener('online', isDue);
  document.addEventListener('visibilitychange', () => document.hidden || isDue());
})();
