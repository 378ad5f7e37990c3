import { type RefObject, useLayoutEffect, useState } from 'react'

export interface ScrollView {
  top: number
  left: number
  /** Without scroll bars. */
  width: number
  height: number
}

/** What can be seen of a scroller, as it is scrolled and as its size changes. */
export function useScrollView(scroller: RefObject<HTMLDivElement | null>): ScrollView {
  const [view, setView] = useState<ScrollView>({ top: 0, left: 0, width: 0, height: 0 })
  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return
    const measure = (): void =>
      setView({
        top: element.scrollTop,
        left: element.scrollLeft,
        width: element.clientWidth,
        height: element.clientHeight,
      })
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    element.addEventListener('scroll', measure, { passive: true })
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [scroller])
  return view
}
