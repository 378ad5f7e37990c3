import { type PointerEvent, type RefCallback, useCallback, useEffect, useRef } from 'react'

import { clampTo, panView, spanOf, type TimeView, zoomView } from '../../ui/time-view.ts'

interface TimeGesturesOptions {
  bounds: TimeView
  view: TimeView
  /** Of a wheel and of two fingers; without it they do nothing. */
  onView?: (view: TimeView) => void
  onChange: (ms: number) => void
}

interface TimeGestures {
  /** For `ref`. */
  attach: RefCallback<HTMLElement>
  handlers: Record<
    'onPointerDown' | 'onPointerMove' | 'onPointerUp' | 'onPointerCancel',
    (event: PointerEvent<HTMLElement>) => void
  >
}

/** Of a wheel's pixels. */
const zoomPerPixel = 0.0018

/** One pointer chooses a moment, two zoom, as does the wheel; the wheel sideways moves the view. */
export function useTimeGestures(options: TimeGesturesOptions): TimeGestures {
  const latest = useRef(options)
  useEffect(() => {
    latest.current = options
  })
  const pointers = useRef(new Map<number, number>())
  const attach = useCallback((element: HTMLElement | null) => {
    if (element === null) return
    const onWheel = (event: WheelEvent): void => turnWheel(event, element, latest.current)
    // React's own listeners for wheels cannot keep the page from scrolling.
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => element.removeEventListener('wheel', onWheel)
  }, [])
  const release = (event: PointerEvent<HTMLElement>): void => {
    pointers.current.delete(event.pointerId)
  }
  return {
    attach,
    handlers: {
      onPointerDown: (event) => {
        if (event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        pointers.current.set(event.pointerId, event.clientX)
        if (pointers.current.size === 1) choose(event, options)
      },
      onPointerMove: (event) => {
        const held = pointers.current
        const beforeX = held.get(event.pointerId)
        if (beforeX === undefined) return
        const others = [...held].filter(([id]) => id !== event.pointerId)
        held.set(event.pointerId, event.clientX)
        const otherX = others[0]?.[1]
        if (otherX === undefined) choose(event, options)
        else pinch(event, { beforeX, otherX }, options)
      },
      onPointerUp: release,
      onPointerCancel: release,
    },
  }
}

function msAt(
  element: HTMLElement,
  clientX: number,
  { bounds, view }: TimeGesturesOptions,
): number {
  const { left, width } = element.getBoundingClientRect()
  const ms = view.fromMs + ((clientX - left) / Math.max(1, width)) * spanOf(view)
  return Math.round(clampTo(bounds, clampTo(view, ms)))
}

const choose = (event: PointerEvent<HTMLElement>, options: TimeGesturesOptions): void =>
  options.onChange(msAt(event.currentTarget, event.clientX, options))

/** What lies between the fingers is between them still, about the one that stands. */
function pinch(
  event: PointerEvent<HTMLElement>,
  { beforeX, otherX }: { beforeX: number; otherX: number },
  options: TimeGesturesOptions,
): void {
  const before = Math.max(1, Math.abs(beforeX - otherX))
  const after = Math.max(1, Math.abs(event.clientX - otherX))
  const anchor = msAt(event.currentTarget, otherX, options)
  options.onView?.(zoomView(options.view, options.bounds, before / after, anchor))
}

function turnWheel(event: WheelEvent, element: HTMLElement, options: TimeGesturesOptions): void {
  const { bounds, view, onView } = options
  if (onView === undefined) return
  const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)
  const delta = isSideways && event.deltaX !== 0 ? event.deltaX : event.deltaY
  const next = isSideways
    ? panView(view, bounds, (delta / Math.max(1, element.clientWidth)) * spanOf(view))
    : zoomView(view, bounds, Math.exp(delta * zoomPerPixel), msAt(element, event.clientX, options))
  // At its end the page scrolls on.
  if (next.fromMs === view.fromMs && next.toMs === view.toMs) return
  event.preventDefault()
  onView(next)
}
