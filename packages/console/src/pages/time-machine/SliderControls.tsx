import { ActionIcon, Group, Stack, Text, Tooltip } from '@mantine/core'
import {
  IconArrowsMaximize,
  IconPlayerSkipBack,
  IconPlayerSkipForward,
  IconZoomIn,
  IconZoomOut,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { formatDuration } from '../../ui/format.ts'
import { clampTo, spanOf, type TimeView, zoomView } from '../../ui/time-view.ts'
import { type Marker, neighboursOf } from './markers.ts'
import { zoomStep } from './TimeSlider.tsx'

import classes from './time-slider.module.css'

interface ZoomButtonsProps {
  bounds: TimeView
  view: TimeView
  onView: (view: TimeView) => void
  ms: number
}

/** How close the look is. */
export function ZoomButtons({ bounds, view, onView, ms }: ZoomButtonsProps): ReactNode {
  const zoom = (factor: number): void => onView(zoomView(view, bounds, factor, clampTo(bounds, ms)))
  const isWhole = spanOf(view) >= spanOf(bounds)
  return (
    <Group gap={2}>
      <Text size="sm" c="var(--faint)" mr={6} className="figures">
        {formatDuration(Math.max(1, spanOf(view) / 1000))} shown
      </Text>
      <Tooltip label="Closer (+)">
        <ActionIcon aria-label="Closer" onClick={() => zoom(zoomStep)}>
          <IconZoomIn size={18} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Further (-)">
        <ActionIcon
          className={classes['icon'] ?? ''}
          aria-label="Further"
          disabled={isWhole}
          onClick={() => zoom(1 / zoomStep)}
        >
          <IconZoomOut size={18} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="The whole window (0)">
        <ActionIcon
          className={classes['icon'] ?? ''}
          aria-label="The whole window"
          disabled={isWhole}
          onClick={() => onView(bounds)}
        >
          <IconArrowsMaximize size={18} />
        </ActionIcon>
      </Tooltip>
    </Group>
  )
}

interface NearbyProps {
  markers: readonly Marker[]
  ms: number
  onChoose: (ms: number) => void
}

/** What happened just before and just after, and the way there. */
export function Nearby({ markers, ms, onChoose }: NearbyProps): ReactNode {
  const { before, after } = neighboursOf(markers, ms)
  const told = (marker: Marker | undefined, word: string): string =>
    marker === undefined
      ? `nothing marked ${word}`
      : `${marker.label}, ${formatDuration(Math.abs(ms - marker.ms) / 1000)} ${word}`
  return (
    <Stack gap={0} miw={0}>
      {[
        { marker: before, Glyph: IconPlayerSkipBack, name: 'Previous event', word: 'earlier' },
        { marker: after, Glyph: IconPlayerSkipForward, name: 'Next event', word: 'later' },
      ].map(({ marker, Glyph, name, word }) => (
        <Group key={name} gap={4} wrap="nowrap">
          <ActionIcon
            size="sm"
            className={classes['icon'] ?? ''}
            aria-label={name}
            disabled={marker === undefined}
            onClick={() => marker && onChoose(marker.ms)}
          >
            <Glyph size={14} />
          </ActionIcon>
          <Text size="sm" c="var(--faint)" truncate>
            {told(marker, word)}
          </Text>
        </Group>
      ))}
    </Stack>
  )
}

/** What is drawn on the slider, beside its marks. */
export function Legend(): ReactNode {
  return (
    <div className={classes['legend']}>
      <span>
        <span className={classes['key']} data-of="awake" /> compute awake
      </span>
      <span>
        <span className={classes['key']} data-of="frozen" /> frozen
      </span>
      <span>
        <span className={classes['key']} data-of="point" /> a recovery can begin here
      </span>
    </div>
  )
}
