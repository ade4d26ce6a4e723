// The script of this page has gone: the page is of another build than the server, or the server is
// about to be another. Loaded again it is one that lives: at once, then after 1, 2, 4 … 30 s.
const NAME = 'undercurrent-tries';
// Throws where nothing is kept: the page would not know of a loop.
const tries = Number(sessionStorage.getItem(NAME));

const isWritten = (field) => field && 'defaultValue' in field && field.value !== field.defaultValue;

// While no server is there a page that is loaded again would be none.
const isServed = () => fetch(import.meta.url, { method: 'HEAD', cache: 'no-store' }).then(() => true, () => false);

const again = async () => {
  if (isWritten(document.activeElement) || !(await isServed())) return void setTimeout(again, 1000);
  sessionStorage.setItem(NAME, tries + 1);
  location.reload();
};

setTimeout(again, tries && Math.min(2 ** (tries - 1), 30) * 1000);

// Nothing is there to be hydrated.
export default () => new Promise(() => {});
export const hydrate = () => {};
