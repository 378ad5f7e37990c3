/** Browsers draw nothing that is taller: Firefox 17.8 million pixels, Chromium and Safari 33 million. */
const tallest = 10_000_000

export interface ScrollScale {
  /** Of what is scrolled, in the browser's pixels. */
  height: number
  /** Of what is shown first, in pixels of rows. */
  toOffset: (scrollTop: number) => number
  toScrollTop: (offset: number) => number
}

/** How far a scroll bar of bounded height moves rows of any number: one to one, as long as they fit. */
export function scrollScale(contentHeight: number, viewHeight: number): ScrollScale {
  const height = Math.min(contentHeight, tallest)
  const room = height - viewHeight
  const factor = room > 0 ? (contentHeight - viewHeight) / room : 1
  const last = Math.max(0, contentHeight - viewHeight)
  return {
    height,
    toOffset: (scrollTop) => Math.min(last, Math.max(0, scrollTop * factor)),
    toScrollTop: (offset) => offset / factor,
  }
}
