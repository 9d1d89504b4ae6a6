/**
 * @file Runs in the page. A row of a list that is dragged to another place, by mouse, pen or finger: where it would go
 * is shown until it is let go there. Escape, or letting it go outside of the list, leaves it where it was.
 */

export interface RowDragOptions {
  /** Its children are the rows, each with its id in `data-row`. */
  readonly list: () => HTMLElement | null;
  /** The row belongs to place `to` among the others, counted from 0; never its own place. */
  readonly drop: (id: string, to: number) => void;
  readonly cancelled: (id: string) => void;
}

export interface DragSlot {
  readonly isOwn: boolean;
  /** From the top of the list. */
  readonly topPx: number;
  readonly heightPx: number;
  /** Places among all rows, counted from 0: of the dragged row, and the one it would have. */
  readonly from: number;
  readonly to: number;
}

/** A hand is never still: a press becomes a drag after so many pixels. */
const SLACK_PX = 4;
/** So near to the edge of what scrolls, the list scrolls by itself; at the edge itself this fast. */
const EDGE_PX = 40;
const FASTEST_PX_A_FRAME = 14;

interface Press {
  readonly id: string;
  readonly row: HTMLElement;
  readonly pointer: number;
  /** From the top of the list, so that scrolling is no movement. */
  readonly startY: number;
  readonly startX: number;
  x: number;
  y: number;
}

export class RowDrag {
  /** The row that is dragged; null when none is. */
  id: string | null = $state(null);
  /** How far it has been dragged from its place. */
  offsetPx = $state(0);
  /** The place that is kept free for it: its own while letting it go changes nothing. */
  slot: DragSlot | null = $state.raw(null);
  readonly #options: RowDragOptions;
  #press: Press | null = null;
  #frame = 0;
  #listeners = new AbortController();

  constructor(options: RowDragOptions) {
    this.#options = options;
  }

  /** A pointer was pressed on a row. */
  press(event: PointerEvent, id: string): void {
    const { target, currentTarget } = event;
    if (this.#press !== null || event.button !== 0 || !(target instanceof Element)) return;
    // A finger on a row scrolls the list; on the handle it drags.
    const where = event.pointerType === 'touch' ? '[data-handle]' : ':not(button, button *)';
    const list = this.#options.list();
    if (!target.matches(`${where}, [data-handle] *`) || list === null) return;
    const { clientX: x, clientY: y } = event;
    this.#press = {
      ...{ id, row: currentTarget as HTMLElement, pointer: event.pointerId, x, y },
      ...{ startX: x, startY: y - list.getBoundingClientRect().top },
    };
    this.#listen();
  }

  /** The list goes away. */
  leave(): void {
    this.#cancel();
    this.#end();
  }

  #listen(): void {
    this.#listeners = new AbortController();
    const { signal } = this.#listeners;
    const mine = (act: (event: PointerEvent) => void) => (event: PointerEvent) => {
      if (event.pointerId === this.#press?.pointer) act(event);
    };
    const cancel = () => {
      this.#cancel();
      this.#end();
    };
    window.addEventListener(
      'pointermove',
      mine((event) => this.#move(event)),
      { signal },
    );
    window.addEventListener(
      'pointerup',
      mine(() => this.#release()),
      { signal },
    );
    window.addEventListener('pointercancel', mine(cancel), { signal });
    window.addEventListener('blur', cancel, { signal });
    window.addEventListener('keydown', (event) => this.#key(event), { signal, capture: true });
    // A run that starts leaves the list, and with it the pointer.
    window.addEventListener('lostpointercapture', () => this.#cancel(), { signal });
  }

  #move({ clientX, clientY }: PointerEvent): void {
    const press = this.#press;
    const top = this.#options.list()?.getBoundingClientRect().top;
    if (press === null || top === undefined) return;
    press.x = clientX;
    press.y = clientY;
    if (this.id !== null) this.#place();
    else if (Math.hypot(clientX - press.startX, clientY - top - press.startY) >= SLACK_PX) this.#begin(press);
  }

  #begin(press: Press): void {
    this.id = press.id;
    press.row.setPointerCapture(press.pointer);
    // What was pressed may be a link: letting go of it is no click, even after Escape.
    const { signal } = this.#listeners;
    const swallow = (event: Event) => {
      event.preventDefault();
      event.stopPropagation();
    };
    window.addEventListener('click', swallow, { signal, capture: true });
    this.#frame = requestAnimationFrame(() => this.#scroll());
    this.#place();
  }

  #place(): void {
    const list = this.#options.list();
    const press = this.#press;
    if (list === null || press === null) return;
    const { row } = press;
    const y = press.y - list.getBoundingClientRect().top;
    const lowest = list.clientHeight - row.offsetTop - row.offsetHeight;
    this.offsetPx = Math.min(lowest, Math.max(-row.offsetTop, y - press.startY));
    const rows = [...list.children].filter((child) => child instanceof HTMLElement);
    const others = rows.filter((one) => one !== row);
    const from = rows.indexOf(row);
    const before = others.filter((one) => one.offsetTop + one.offsetHeight / 2 < y).length;
    const to = isOver(list, press, row.offsetHeight) ? before : from;
    // Rows between its place and the new one make room, each by the height of the dragged one.
    const next = rows[to] ?? row;
    const topPx = to > from ? next.offsetTop + next.offsetHeight - row.offsetHeight : next.offsetTop;
    this.slot = { isOwn: to === from, topPx, heightPx: row.offsetHeight, from, to };
  }

  /** How far a row that is not dragged gives way, in pixels; and the place that it then has. Places count from 0. */
  shiftOf(at: number): { readonly px: number; readonly place: number } {
    const { slot } = this;
    if (slot === null || at === slot.from) return { px: 0, place: slot?.to ?? at };
    if (at > slot.from && at <= slot.to) return { px: -slot.heightPx, place: at - 1 };
    if (at < slot.from && at >= slot.to) return { px: slot.heightPx, place: at + 1 };
    return { px: 0, place: at };
  }

  #scroll(): void {
    const list = this.#options.list();
    if (this.id === null || this.#press === null || list === null) return;
    const box = scrollerOf(list);
    const { top, bottom } = box.getBoundingClientRect();
    const { y } = this.#press;
    const beyond = Math.max(0, y - (bottom - EDGE_PX)) - Math.max(0, top + EDGE_PX - y);
    if (beyond !== 0) {
      box.scrollTop += Math.max(-1, Math.min(1, beyond / EDGE_PX)) * FASTEST_PX_A_FRAME;
      this.#place();
    }
    this.#frame = requestAnimationFrame(() => this.#scroll());
  }

  #key(event: KeyboardEvent): void {
    if (this.id === null || event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    this.#cancel();
  }

  #release(): void {
    // The queue may have changed since the pointer was moved.
    if (this.id !== null) this.#place();
    const { id, slot } = this;
    if (id !== null && slot !== null && !slot.isOwn) {
      this.#still();
      this.#options.drop(id, slot.to);
    } else this.#cancel();
    this.#end();
  }

  #cancel(): void {
    const { id } = this;
    this.#still();
    if (id !== null) this.#options.cancelled(id);
  }

  #still(): void {
    cancelAnimationFrame(this.#frame);
    this.id = null;
    this.offsetPx = 0;
    this.slot = null;
  }

  /** The click that follows is still heard. */
  #end(): void {
    const listeners = this.#listeners;
    this.#press = null;
    setTimeout(() => listeners.abort());
  }
}

/** Within the list, or one row beyond its ends; never where the list is scrolled out of sight. */
function isOver(list: HTMLElement, { x, y }: Press, rowPx: number): boolean {
  const { left, right, top, bottom } = list.getBoundingClientRect();
  const seen = scrollerOf(list).getBoundingClientRect();
  const [highest, lowest] = [Math.max(top - rowPx, seen.top), Math.min(bottom + rowPx, seen.bottom)];
  return x >= left && x <= right && y >= highest && y <= lowest;
}

function scrollerOf(element: HTMLElement): HTMLElement {
  const { parentElement } = element;
  if (parentElement === null) return element;
  return /auto|scroll/.test(getComputedStyle(parentElement).overflowY)
    ? parentElement
    : scrollerOf(parentElement);
}
