/** @file Runs in the page. A list whose rows change places or go: what had the focus in it keeps it, or its neighbour gets it. */

/** To be called before the rows change. Returns what is to be called afterwards. */
export function holdFocus(list: HTMLElement | null): () => void {
  const held = document.activeElement;
  if (list === null || !(held instanceof HTMLElement) || !list.contains(held)) return () => {};
  const rowOf = (element: HTMLElement) => element.closest<HTMLElement>('[data-row]');
  const row = rowOf(held);
  const at = row === null ? -1 : [...list.children].indexOf(row);
  return () => {
    // Moving an element in the document takes the focus from it, and so does disabling it.
    for (const element of [held, row, list.children[Math.min(at, list.children.length - 1)]]) {
      if (document.activeElement !== null && list.contains(document.activeElement)) return;
      if (element instanceof HTMLElement && list.contains(element)) element.focus({ preventScroll: true });
    }
  };
}
