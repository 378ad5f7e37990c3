import { Tooltip } from '@mantine/core'
import {
  type Icon,
  IconCamera,
  IconGitBranch,
  IconGitFork,
  IconRestore,
  IconStack2,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { localText, type TimeView } from '../../ui/time-view.ts'
import { groupMarkers, type Marker, type MarkerKind } from './markers.ts'

import classes from './time-slider.module.css'

const icons: Readonly<Record<MarkerKind, Icon>> = {
  snapshot: IconCamera,
  restore: IconRestore,
  branch: IconGitBranch,
  migration: IconStack2,
  origin: IconGitFork,
}

interface MarkerLaneProps {
  markers: readonly Marker[]
  view: TimeView
  width: number
  onChoose: (ms: number) => void
  /** Marks that are one because they would overlap are looked at more closely. */
  onClose: (fromMs: number, toMs: number) => void
}

const toldMax = 6

/** What has happened, above the slider. The keyboard reaches each with Shift and the arrows. */
export function MarkerLane({
  markers,
  view,
  width,
  onChoose,
  onClose,
}: MarkerLaneProps): ReactNode {
  return (
    <div className={classes['lane']}>
      {groupMarkers(markers, view, width).map(({ share, markers: own }) => {
        const [first] = own
        const last = own.at(-1)
        if (first === undefined || last === undefined) return null
        const isOne = own.length === 1
        const Glyph = icons[first.kind]
        const isMixed = own.some(({ kind }) => kind !== first.kind)
        const label = isOne ? `${first.label}, ${localText(first.ms)}` : `${own.length} events`
        return (
          <Tooltip key={first.id} label={<Told markers={own} />} openDelay={100}>
            <button
              type="button"
              tabIndex={-1}
              aria-label={label}
              className={classes['marker']}
              data-kind={isMixed ? 'mixed' : first.kind}
              style={{ left: `${share * 100}%` }}
              onClick={() => (isOne ? onChoose(first.ms) : onClose(first.ms, last.ms))}
            >
              {isOne ? <Glyph size={14} stroke={1.8} aria-hidden /> : own.length}
            </button>
          </Tooltip>
        )
      })}
    </div>
  )
}

function Told({ markers }: { markers: readonly Marker[] }): ReactNode {
  return (
    <>
      {markers.slice(0, toldMax).map(({ id, ms, label }) => (
        <div key={id}>
          {localText(ms).slice(5, 19)} · {label}
        </div>
      ))}
      {markers.length > toldMax && <div>and {markers.length - toldMax} more</div>}
    </>
  )
}
