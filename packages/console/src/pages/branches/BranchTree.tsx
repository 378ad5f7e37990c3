import type { Branch, Endpoint, Operation } from '@coppice/api'
import { ActionIcon, Group, Text, Tooltip } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useMemo, useRef, useState } from 'react'
import { Link, useNavigate } from 'react-router'

import { BranchBadges } from '../../branch-actions/BranchBadges.tsx'
import type { BranchDialog } from '../../branch-actions/BranchDialogs.tsx'
import { BranchMenu } from '../../branch-actions/BranchMenu.tsx'
import { paths } from '../../paths.ts'
import { ComputeState } from '../../ui/ComputeState.tsx'
import { formatBytes } from '../../ui/format.ts'
import { RelativeTime, useNow } from '../../ui/RelativeTime.tsx'
import { rowHeight } from './row-height.ts'
import { createTimeScale } from './time-scale.ts'
import { layoutTree, ownBytes, placeLines, type TreeRow } from './tree-layout.ts'
import { TreeDrawing } from './TreeDrawing.tsx'

import classes from './branch-tree.module.css'

interface BranchTreeProps {
  branches: readonly Branch[]
  endpoints: readonly Endpoint[]
  /** The newest of the project: of them restores are drawn. */
  operations: readonly Operation[]
  onOpen: (dialog: BranchDialog) => void
}

/** Deeper ones are drawn no further in, so that names keep their room. */
const maxIndent = 8
const overscan = 6

/**
 * Branches over time: names at the left, their lives as lines in the middle, what they are now at the
 * right. Only the rows in sight are drawn, so a thousand branches scroll as ten do. Arrow keys walk
 * through it, Enter opens a branch.
 */
export function BranchTree({
  branches,
  endpoints,
  operations,
  onOpen,
}: BranchTreeProps): ReactNode {
  const nowMs = useNow()
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set())
  const [focusAt, setFocusAt] = useState(0)
  const { ref: drawingRef, width } = useElementSize()
  const scroller = useRef<HTMLDivElement>(null)
  const navigate = useNavigate()
  const layout = useMemo(() => layoutTree(branches, collapsed), [branches, collapsed])
  const { rows, forks } = layout
  const endpointOf = useMemo(() => byBranch(endpoints), [endpoints])
  const restoresOf = useMemo(() => restoresByBranch(operations), [operations])
  const scale = useMemo(() => {
    const ends = branches.flatMap(({ expires_at }) => (expires_at ? [Date.parse(expires_at)] : []))
    return createTimeScale({
      nowMs,
      oldestMs: rows.reduce((oldest, { beginMs }) => Math.min(oldest, beginMs), nowMs),
      latestMs: ends.length > 0 ? ends.reduce((a, b) => Math.max(a, b)) : undefined,
      width,
    })
  }, [branches, rows, nowMs, width])
  const lineXs = useMemo(() => placeLines(layout, scale.xOf, scale.nowX), [layout, scale])
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan,
  })
  const items = virtualizer.getVirtualItems()
  const [first, last] = [items[0]?.index ?? 0, items.at(-1)?.index ?? 0]

  const toggle = (id: string): void => {
    const next = new Set(collapsed)
    if (!next.delete(id)) next.add(id)
    setCollapsed(next)
  }
  const focus = (at: number): void => {
    const index = Math.max(0, Math.min(rows.length - 1, at))
    setFocusAt(index)
    virtualizer.scrollToIndex(index)
    // The row may only be drawn after the scroll.
    requestAnimationFrame(() => {
      scroller.current?.querySelector<HTMLElement>(`[data-row="${index}"]`)?.focus()
    })
  }
  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    // Keys of a menu or a button within a row are theirs.
    if (!(event.target instanceof HTMLElement) || event.target.dataset['row'] === undefined) return
    const row = rows[focusAt]
    if (row === undefined) return
    const { id, project_id } = row.branch
    const moves: Record<string, () => void> = {
      ArrowDown: () => focus(focusAt + 1),
      ArrowUp: () => focus(focusAt - 1),
      Home: () => focus(0),
      End: () => focus(rows.length - 1),
      PageDown: () => focus(focusAt + 10),
      PageUp: () => focus(focusAt - 10),
      ArrowRight: () => row.isCollapsed && toggle(id),
      ArrowLeft: () => row.childCount > 0 && !row.isCollapsed && toggle(id),
      Enter: () => void navigate(paths.branch(project_id, id)),
    }
    const move = moves[event.key]
    if (move === undefined) return
    event.preventDefault()
    move()
  }
  return (
    <div
      ref={scroller}
      className={classes['scroller']}
      role="treegrid"
      aria-label="Branches"
      aria-rowcount={rows.length + 1}
      tabIndex={-1}
      onKeyDown={onKeyDown}
    >
      <div role="row" className={`${classes['row']} ${classes['head']}`}>
        <div role="columnheader">Branch</div>
        <div role="columnheader" ref={drawingRef} className={classes['axis']}>
          <span className={classes['srOnly']}>Life</span>
          {scale.ticks.map(({ x, label }) => (
            <span key={label} className={classes['tick']} style={{ left: x }} aria-hidden>
              {label}
            </span>
          ))}
        </div>
        <div role="columnheader" className={classes['wide']}>
          Compute
        </div>
        <div role="columnheader" className={`${classes['wide']} ${classes['right']}`}>
          Own data
        </div>
        <div role="columnheader">
          <span className={classes['srOnly']}>Actions</span>
        </div>
      </div>
      <div
        role="presentation"
        className={classes['body']}
        style={{ height: virtualizer.getTotalSize() }}
      >
        {/* As wide as the column that it is drawn over. */}
        <div className={`${classes['row']} ${classes['drawing']}`} aria-hidden>
          <div />
          <TreeDrawing
            {...{ rows, forks, lineXs, first, last, scale, width, endpointOf, restoresOf }}
          />
        </div>
        {items.map(({ index, start }) => {
          const row = rows[index]
          if (row === undefined) return null
          return (
            <Row
              key={row.branch.id}
              {...{ row, index, start, onOpen }}
              endpoint={endpointOf.get(row.branch.id)}
              isFocused={index === focusAt}
              onFocus={() => setFocusAt(index)}
              onToggle={() => toggle(row.branch.id)}
            />
          )
        })}
      </div>
    </div>
  )
}

interface RowProps {
  row: TreeRow
  index: number
  start: number
  endpoint: Endpoint | undefined
  isFocused: boolean
  onFocus: () => void
  onToggle: () => void
  onOpen: (dialog: BranchDialog) => void
}

function Row(props: RowProps): ReactNode {
  const { row, index, start, endpoint, isFocused, onFocus, onToggle, onOpen } = props
  const { branch, depth, childCount, isCollapsed } = row
  const Chevron = isCollapsed ? IconChevronRight : IconChevronDown
  return (
    <div
      role="row"
      aria-level={depth + 1}
      aria-rowindex={index + 2}
      {...(childCount > 0 && { 'aria-expanded': !isCollapsed })}
      data-row={index}
      tabIndex={isFocused ? 0 : -1}
      onFocus={onFocus}
      className={`${classes['row']} ${classes['branch']}`}
      style={{ height: rowHeight, transform: `translateY(${start}px)` }}
    >
      <div
        role="gridcell"
        className={classes['name']}
        style={{ paddingLeft: Math.min(depth, maxIndent) * 14 }}
      >
        {childCount > 0 ? (
          <ActionIcon
            size="xs"
            aria-label={`${isCollapsed ? 'Show' : 'Hide'} ${childCount} below ${branch.name}`}
            onClick={onToggle}
          >
            <Chevron size={14} />
          </ActionIcon>
        ) : (
          <span className={classes['noChevron']} />
        )}
        <span className={classes['names']}>
          <Link to={paths.branch(branch.project_id, branch.id)} className={classes['link']}>
            {branch.name}
          </Link>
          {branch.expires_at !== undefined && (
            <span className={classes['ends']}>
              expires <RelativeTime at={branch.expires_at} />
            </span>
          )}
        </span>
        {isCollapsed && (
          <Text size="xs" c="var(--faint)" span>
            +{childCount}
          </Text>
        )}
        <Group gap={4} wrap="nowrap" className={classes['badges'] ?? ''}>
          <BranchBadges branch={branch} withoutExpiry />
        </Group>
      </div>
      <div role="gridcell" aria-label={lifeOf(row)} />
      <div role="gridcell" className={classes['wide']}>
        <ComputeState state={endpoint?.current_state} />
      </div>
      <div role="gridcell" className={`${classes['wide']} ${classes['right']}`}>
        <OwnBytes branch={branch} />
      </div>
      <div role="gridcell" className={classes['menu']}>
        <BranchMenu branch={branch} endpoint={endpoint} onOpen={onOpen} />
      </div>
    </div>
  )
}

function OwnBytes({ branch }: { branch: Branch }): ReactNode {
  const { logical_size, written_data_bytes } = branch
  const detail = `${formatBytes(logical_size)} of data in all, ${formatBytes(written_data_bytes)} written this month`
  return (
    <Tooltip label={detail}>
      <span>{formatBytes(ownBytes(branch))}</span>
    </Tooltip>
  )
}

/** The drawing in words. */
function lifeOf({ branch, startMs }: TreeRow): string {
  const since = new Date(startMs).toLocaleString()
  const from = branch.last_reset_at === undefined ? 'data from' : 'reset to its parent of'
  const end = branch.expires_at ? `, until ${new Date(branch.expires_at).toLocaleString()}` : ''
  return `${from} ${since}${end}`
}

/** The read-write compute of each branch, or else a replica. */
function byBranch(endpoints: readonly Endpoint[]): Map<string, Endpoint> {
  const found = new Map<string, Endpoint>()
  for (const endpoint of endpoints) {
    const isFirst = !found.has(endpoint.branch_id)
    if (isFirst || endpoint.type === 'read_write') found.set(endpoint.branch_id, endpoint)
  }
  return found
}

/** When the data of each branch was exchanged, as far as the operations go back. */
function restoresByBranch(operations: readonly Operation[]): Map<string, number[]> {
  const found = new Map<string, number[]>()
  for (const { action, branch_id, created_at, status } of operations) {
    if (action !== 'swap_binding_id' || status !== 'finished' || branch_id === undefined) continue
    found.set(branch_id, [...(found.get(branch_id) ?? []), Date.parse(created_at)])
  }
  return found
}
