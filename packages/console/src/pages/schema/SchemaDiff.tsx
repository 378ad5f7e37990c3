import { Text, UnstyledButton } from '@mantine/core'
import {
  IconChevronDown,
  IconChevronRight,
  IconCircleMinus,
  IconCirclePlus,
  IconEqual,
  IconFold,
  IconPencil,
} from '@tabler/icons-react'
import { type ReactNode, useMemo, useRef, useState } from 'react'

import { SqlLine } from '../../migrations/SqlLine.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { type AlignedLine, differingPart, foldEqual } from './align-lines.ts'
import { type ComparedObject, compareSchemas } from './compare-schemas.ts'

import classes from './schema.module.css'

/** Two schemas beside each other: which objects differ, and how, with what is equal folded. */
export function SchemaDiff({ left, right }: { left: string; right: string }): ReactNode {
  const objects = useMemo(() => compareSchemas(left, right), [left, right])
  const scroller = useRef<HTMLDivElement>(null)
  const changed = objects.filter(({ kind }) => kind !== 'same')
  if (changed.length === 0) {
    return (
      <EmptyState icon={IconEqual} title="The schemas are the same">
        Tables, views, functions, grants: all of it is alike on both branches.
      </EmptyState>
    )
  }
  const show = (name: string): void => {
    const found = scroller.current?.querySelector<HTMLElement>(
      `[data-object="${CSS.escape(name)}"]`,
    )
    if (found) scroller.current?.scrollTo({ top: found.offsetTop })
    found?.focus({ preventScroll: true })
  }
  return (
    <div className={classes['comparison']}>
      <ObjectList objects={changed} onShow={show} />
      <div
        ref={scroller}
        className={classes['diff']}
        role="group"
        aria-label="The schemas beside each other"
        // What scrolls has to be reachable by the keyboard.
        tabIndex={0}
      >
        {inGroups(objects).map((group) =>
          group.isSame ? (
            <Alike key={group.objects[0]?.name} objects={group.objects} />
          ) : (
            group.objects.map((object) => <ObjectDiff key={object.name} object={object} />)
          ),
        )}
      </div>
    </div>
  )
}

interface Group {
  isSame: boolean
  objects: ComparedObject[]
}

/** What is alike and stands together is one fold. */
function inGroups(objects: readonly ComparedObject[]): Group[] {
  const groups: Group[] = []
  for (const object of objects) {
    const isSame = object.kind === 'same'
    const last = groups.at(-1)
    if (last?.isSame === isSame) last.objects.push(object)
    else groups.push({ isSame, objects: [object] })
  }
  return groups
}

const glyphs = {
  added: IconCirclePlus,
  dropped: IconCircleMinus,
  changed: IconPencil,
  same: IconEqual,
}

interface ObjectListProps {
  objects: readonly ComparedObject[]
  onShow: (name: string) => void
}

function ObjectList({ objects, onShow }: ObjectListProps): ReactNode {
  const parts = (['added', 'changed', 'dropped'] as const).flatMap((kind) => {
    const count = objects.filter((one) => one.kind === kind).length
    return count === 0 ? [] : [`${count} ${kind}`]
  })
  return (
    <nav className={classes['objects']} aria-label="What differs">
      <Text size="xs" c="var(--faint)" px={8} mb={4}>
        {parts.join(', ')}
      </Text>
      {objects.map(({ kind, name }) => {
        const Glyph = glyphs[kind]
        return (
          <UnstyledButton
            key={name}
            className={classes['object'] ?? ''}
            data-kind={kind}
            onClick={() => onShow(name)}
          >
            <Glyph size={15} aria-label={kind} />
            <span>{name}</span>
          </UnstyledButton>
        )
      })}
    </nav>
  )
}

function Alike({ objects }: { objects: readonly ComparedObject[] }): ReactNode {
  const [isOpen, setIsOpen] = useState(false)
  if (isOpen) return objects.map((object) => <ObjectDiff key={object.name} object={object} />)
  return (
    <UnstyledButton className={classes['fold'] ?? ''} onClick={() => setIsOpen(true)}>
      <IconFold size={14} aria-hidden />
      {objects.length === 1 ? objects[0]?.name : `${objects.length} objects`}
      {objects.length === 1 ? ' is alike' : ' are alike'}
    </UnstyledButton>
  )
}

function ObjectDiff({ object }: { object: ComparedObject }): ReactNode {
  const { name, kind, lines } = object
  const [isOpen, setIsOpen] = useState(kind !== 'same')
  const [unfolded, setUnfolded] = useState<ReadonlySet<number>>(new Set())
  const Chevron = isOpen ? IconChevronDown : IconChevronRight
  return (
    <section data-object={name} tabIndex={-1} aria-label={name}>
      <UnstyledButton
        className={classes['heading'] ?? ''}
        data-kind={kind}
        aria-expanded={isOpen}
        onClick={() => setIsOpen(!isOpen)}
      >
        <Chevron size={14} aria-hidden />
        <span>{name}</span>
        <span className={classes['kind']}>{kind === 'same' ? 'alike' : kind}</span>
      </UnstyledButton>
      {isOpen &&
        foldEqual(lines).map(({ isFolded, start, lines: run }) =>
          isFolded && kind !== 'same' && !unfolded.has(start) ? (
            <UnstyledButton
              key={start}
              className={classes['fold'] ?? ''}
              onClick={() => setUnfolded(new Set([...unfolded, start]))}
            >
              <IconFold size={14} aria-hidden />
              {run.length} equal lines
            </UnstyledButton>
          ) : (
            run.map((line, at) => <Line key={start + at} line={line} />)
          ),
        )}
    </section>
  )
}

function Line({ line }: { line: AlignedLine }): ReactNode {
  const { isSame, left, right } = line
  const part =
    isSame || left === undefined || right === undefined ? undefined : differingPart(left, right)
  return (
    <div className={classes['line']} data-same={isSame || undefined}>
      <Side side="left" text={left} isSame={isSame} part={part && [part.start, part.ends[0]]} />
      <Side side="right" text={right} isSame={isSame} part={part && [part.start, part.ends[1]]} />
    </div>
  )
}

interface SideProps {
  side: 'left' | 'right'
  text: string | undefined
  isSame: boolean
  /** Of the text, what differs from the other side. */
  part: [number, number] | undefined
}

function Side({ side, text, isSame, part }: SideProps): ReactNode {
  if (text === undefined) return <div className={classes['side']} data-side={side} data-absent />
  const mark = side === 'left' ? '−' : '+'
  return (
    <div className={classes['side']} data-side={side} data-changed={!isSame || undefined}>
      <span className={classes['mark']}>{isSame ? '' : mark}</span>
      <code className={classes['text']}>
        {part === undefined ? (
          <SqlLine text={text} />
        ) : (
          <>
            <SqlLine text={text.slice(0, part[0])} />
            <span className={classes['part']}>{text.slice(...part)}</span>
            <SqlLine text={text.slice(part[1])} />
          </>
        )}
      </code>
    </div>
  )
}
