import type { Endpoint } from '@coppice/api'
import type { ReactNode } from 'react'

import { rowHeight } from './row-height.ts'
import type { TimeScale } from './time-scale.ts'
import { bendPx, type Fork, type TreeRow, visibleForks } from './tree-layout.ts'

import classes from './branch-tree.module.css'

interface TreeDrawingProps {
  rows: readonly TreeRow[]
  forks: readonly Fork[]
  /** Where each row's line begins. */
  lineXs: readonly number[]
  /** Rows in sight. */
  first: number
  last: number
  scale: TimeScale
  width: number
  endpointOf: ReadonlyMap<string, Endpoint>
  restoresOf: ReadonlyMap<string, readonly number[]>
}

/** A reset and the beginning of its data are one event: their times differ by what it took. */
const sameMs = 30_000

/** The lives of the branches in sight and what leads from one to another, in one SVG. */
export function TreeDrawing(props: TreeDrawingProps): ReactNode {
  const { rows, forks, lineXs, first, last, scale, width } = props
  const height = (last - first + 1) * rowHeight
  const yOf = (row: number): number => (row - first + 0.5) * rowHeight
  const forkX = ({ toRow }: Fork): number => (lineXs[toRow] ?? 0) - bendPx
  if (width === 0) return null
  return (
    <svg
      width={width}
      height={height}
      className={classes['svg']}
      style={{ transform: `translateY(${first * rowHeight}px)` }}
    >
      {scale.ticks.map(({ x, label }) => (
        <line
          key={label}
          x1={x}
          x2={x}
          y1={0}
          y2={height}
          className={classes['grid']}
          data-now={label === 'now' || undefined}
        />
      ))}
      {visibleForks(forks, first, last, forkX).map((fork) => (
        <path
          key={fork.toRow}
          d={forkPath(forkX(fork), yOf(fork.fromRow), yOf(fork.toRow), height)}
          className={classes['fork']}
          data-passing={fork.isPassing || undefined}
        />
      ))}
      {rows.slice(first, last + 1).map((row, at) => (
        <Life
          key={row.branch.id}
          {...props}
          row={row}
          y={yOf(first + at)}
          lineX={lineXs[first + at] ?? 0}
        />
      ))}
    </svg>
  )
}

/** From the parent's line down and round the corner; what is out of sight is left out. */
function forkPath(x: number, fromY: number, toY: number, height: number): string {
  const top = Math.max(fromY, -rowHeight)
  if (toY > height + rowHeight) return `M${x} ${top}V${height + rowHeight}`
  return `M${x} ${top}V${toY - bendPx}Q${x} ${toY} ${x + bendPx} ${toY}`
}

type LifeProps = TreeDrawingProps & { row: TreeRow; y: number; lineX: number }

/** One branch: from its beginning to now, with its resets and restores, and on to its end. */
function Life({ row, y, lineX, scale, endpointOf, restoresOf }: LifeProps): ReactNode {
  const { branch, depth, beginMs, startMs } = row
  const state = endpointOf.get(branch.id)?.current_state ?? 'none'
  const [beginX, startX] = [scale.xOf(beginMs), scale.xOf(startMs)]
  const restores = restoresOf.get(branch.id) ?? []
  return (
    <g data-state={state} data-archived={branch.current_state === 'archived' || undefined}>
      {beginX < startX - 1 && (
        <line x1={beginX} x2={startX} y1={y} y2={y} className={classes['former']} />
      )}
      <line
        x1={lineX}
        x2={scale.nowX}
        y1={y}
        y2={y}
        className={classes['life']}
        data-default={branch.default || undefined}
      />
      {branch.expires_at !== undefined && (
        <Expiry x={scale.xOf(Date.parse(branch.expires_at))} y={y} nowX={scale.nowX} />
      )}
      {depth === 0 && <circle cx={startX} cy={y} r={3.5} className={classes['root']} />}
      {restores.map((at) => (
        <path
          key={at}
          d={diamond(Math.abs(at - startMs) < sameMs ? lineX : scale.xOf(at), y)}
          className={classes['restore']}
        >
          <title>{branch.last_reset_at ? 'Reset' : 'Restored'}</title>
        </path>
      ))}
      {state === 'active' && <circle cx={scale.nowX} cy={y} r={9} className={classes['halo']} />}
      <circle cx={scale.nowX} cy={y} r={4.5} className={classes['now']} />
    </g>
  )
}

function Expiry({ x, y, nowX }: { x: number; y: number; nowX: number }): ReactNode {
  return (
    <>
      <line x1={nowX} x2={x} y1={y} y2={y} className={classes['toCome']} />
      <line x1={x} x2={x} y1={y - 6} y2={y + 6} className={classes['end']} />
    </>
  )
}

const diamond = (x: number, y: number): string =>
  `M${x} ${y - 6}L${x + 6} ${y}L${x} ${y + 6}L${x - 6} ${y}Z`
