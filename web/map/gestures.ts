/** @file Mouse, touch, wheel and keys on an element, as movements of a map. */
import type { Place } from './types.js';

/** What a user does. Places are CSS pixels from the element's top left corner. */
export interface GestureHandlers {
  pan(dx: number, dy: number): void;
  zoom(place: Place, factor: number, smooth: boolean): void;
  /** The pointer rests or moves with no button down; undefined once it has left. */
  point(place: Place | undefined): void;
  /** A click or tap. */
  press(place: Place, event: PointerEvent): void;
  /** A line drawn with Shift held down: as it grows, and at its end. */
  draw(path: readonly Place[], ended: boolean): void;
  /** @returns true when the key meant something */
  key(event: KeyboardEvent): boolean;
}

/** A pointer that moves less is a click. */
const CLICK = 5;

/** Listens to an element. Returns what stops listening. */
export function listen(element: HTMLElement, handlers: GestureHandlers): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const down = new Map<number, Place>();
  let start: Place | undefined;
  let moved = false;
  let path: Place[] | undefined;
  const placeOf = (event: MouseEvent): Place => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const on = <K extends keyof HTMLElementEventMap>(name: K, does: (event: HTMLElementEventMap[K]) => void) =>
    element.addEventListener(name, does, { signal, passive: false });

  on('pointerdown', (event) => {
    if (event.button !== 0) return;
    const place = placeOf(event);
    down.set(event.pointerId, place);
    if (event.isTrusted) element.setPointerCapture(event.pointerId);
    moved = down.size > 1;
    start = place;
    path = event.shiftKey && down.size === 1 ? [place] : undefined;
  });
  on('pointermove', (event) => {
    const place = placeOf(event);
    const before = down.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType !== 'touch') handlers.point(place);
      return;
    }
    if (start && Math.hypot(place.x - start.x, place.y - start.y) > CLICK && !moved) {
      moved = true;
      handlers.point(undefined);
    }
    if (!moved) return;
    if (path) {
      path.push(place);
      handlers.draw(path, false);
    } else if (down.size === 1) handlers.pan(place.x - before.x, place.y - before.y);
    else {
      const other = [...down].find(([id]) => id !== event.pointerId)![1];
      const middle = (a: Place) => ({ x: (a.x + other.x) / 2, y: (a.y + other.y) / 2 });
      const [from, to] = [middle(before), middle(place)];
      handlers.pan(to.x - from.x, to.y - from.y);
      const apart = (a: Place) => Math.max(1, Math.hypot(a.x - other.x, a.y - other.y));
      handlers.zoom(to, apart(place) / apart(before), false);
    }
    down.set(event.pointerId, place);
  });
  const end = (event: PointerEvent, clicked: boolean) => {
    if (!down.delete(event.pointerId)) return;
    if (path && moved) handlers.draw(path, true);
    else if (clicked && !moved) handlers.press(placeOf(event), event);
    path = undefined;
    if (down.size === 0) start = undefined;
  };
  on('pointerup', (event) => end(event, true));
  on('pointercancel', (event) => end(event, false));
  on('pointerleave', () => handlers.point(undefined));
  on('wheel', (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1);
    const factor = Math.exp(-Math.max(-240, Math.min(240, pixels)) * (event.ctrlKey ? 0.01 : 0.002));
    handlers.zoom(placeOf(event), factor, false);
  });
  on('keydown', (event) => {
    if (event.target === element && handlers.key(event)) event.preventDefault();
  });
  return () => stop.abort();
}
