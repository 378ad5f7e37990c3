import { Group, Text, UnstyledButton } from '@mantine/core'
import {
  IconCircleMinus,
  IconCirclePlus,
  IconEqual,
  IconFold,
  IconPencil,
} from '@tabler/icons-react'
import { type ReactNode, useMemo, useRef, useState } from 'react'

import { SqlLine } from '../../migrations/SqlText.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import {
  type AlignedLine,
  alignScripts,
  type Block,
  type ChangedObject,
  changedObjects,
  differingPart,
  foldEqual,
  type SideLine,
  withoutOwnObjects,
} from './align-schemas.ts'

import classes from './schema.module.css'

/** Two schemas beside each other: which objects differ, and how, with what is equal folded. */
export function SchemaDiff({ script, diff }: { script: string; diff: string }): ReactNode {
  const lines = useMemo(() => withoutOwnObjects(alignScripts(script, diff)), [script, diff])
  const objects = useMemo(() => changedObjects(lines), [lines])
  const blocks = useMemo(() => foldEqual(lines), [lines])
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set())
  const scroller = useRef<HTMLDivElement>(null)
  if (objects.length === 0) {
    return (
      <EmptyState icon={IconEqual} title="The schemas are the same">
        Tables, views, functions, grants: all of it is alike on both branches.
      </EmptyState>
    )
  }
  const show = (at: number): void => {
    const line = scroller.current?.querySelector<HTMLElement>(`[data-line="${at}"]`)
    if (!line || !scroller.current) return
    scroller.current.scrollTo({ top: line.offsetTop - 60 })
    scroller.current.focus({ preventScroll: true })
  }
  return (
    <div className={classes['comparison']}>
      <ObjectList objects={objects} onShow={show} />
      <div
        ref={scroller}
        className={classes['diff']}
        role="group"
        aria-label="The schemas beside each other"
        // What scrolls has to be reachable by the keyboard.
        tabIndex={0}
      >
        {blocks.map((block) =>
          block.isFolded && !opened.has(block.start) ? (
            <Fold
              key={block.start}
              block={block}
              onOpen={() => setOpened(new Set([...opened, block.start]))}
            />
          ) : (
            block.lines.map((line, at) => (
              <Line key={block.start + at} at={block.start + at} line={line} />
            ))
          ),
        )}
      </div>
    </div>
  )
}

const glyphs = { added: IconCirclePlus, dropped: IconCircleMinus, changed: IconPencil }

interface ObjectListProps {
  objects: readonly ChangedObject[]
  onShow: (at: number) => void
}

function ObjectList({ objects, onShow }: ObjectListProps): ReactNode {
  const count = (kind: ChangedObject['kind']): number =>
    objects.filter((one) => one.kind === kind).length
  const parts = (['added', 'changed', 'dropped'] as const)
    .filter((kind) => count(kind) > 0)
    .map((kind) => `${count(kind)} ${kind}`)
  return (
    <nav className={classes['objects']} aria-label="What differs">
      <Text size="xs" c="var(--faint)" px={8} mb={4}>
        {parts.join(', ')}
      </Text>
      {objects.map(({ kind, name, at }) => {
        const Glyph = glyphs[kind]
        return (
          <UnstyledButton
            key={name}
            className={classes['object'] ?? ''}
            data-kind={kind}
            title={`${name}: ${kind}`}
            onClick={() => onShow(at)}
          >
            <Glyph size={15} aria-label={kind} />
            <span>{name}</span>
          </UnstyledButton>
        )
      })}
    </nav>
  )
}

function Fold({ block, onOpen }: { block: Block; onOpen: () => void }): ReactNode {
  const { length } = block.lines
  return (
    <UnstyledButton className={classes['fold'] ?? ''} onClick={onOpen}>
      <Group gap={6} justify="center">
        <IconFold size={14} aria-hidden />
        {length} equal line{length === 1 ? '' : 's'}
      </Group>
    </UnstyledButton>
  )
}

function Line({ at, line }: { at: number; line: AlignedLine }): ReactNode {
  const { kind, left, right } = line
  const part =
    left && right && kind === 'changed' ? differingPart(left.text, right.text) : undefined
  return (
    <div className={classes['line']} data-line={at} data-kind={kind}>
      <Side side="left" line={left} kind={kind} part={part && [part.start, part.ends[0]]} />
      <Side side="right" line={right} kind={kind} part={part && [part.start, part.ends[1]]} />
    </div>
  )
}

interface SideProps {
  side: 'left' | 'right'
  line: SideLine | undefined
  kind: AlignedLine['kind']
  /** Of the text, what differs from the other side. */
  part: [number, number] | undefined
}

function Side({ side, line, kind, part }: SideProps): ReactNode {
  if (!line) return <div className={classes['side']} data-side={side} data-absent />
  const { number, text } = line
  return (
    <div
      className={classes['side']}
      data-side={side}
      data-changed={kind === 'changed' || undefined}
    >
      <span className={classes['number']} aria-hidden>
        {number}
      </span>
      <code className={classes['text']}>
        {part === undefined ? (
          <SqlLine text={text} />
        ) : (
          <>
            <SqlLine text={text.slice(0, part[0])} />
            <span className={classes['part']}>
              <SqlLine text={text.slice(...part)} />
            </span>
            <SqlLine text={text.slice(part[1])} />
          </>
        )}
      </code>
    </div>
  )
}
