import { Code, Drawer, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'

import { CopyIcon } from '../ui/CopyField.tsx'
import { type GridSource, isJson } from './grid-source.ts'
import type { CellPlace } from './selection.ts'

import classes from './cell-viewer.module.css'

interface CellViewerProps {
  source: GridSource
  /** Closed without one. */
  place: CellPlace | undefined
  onClose: () => void
}

/** One value with all that is in it; JSON is indented. */
export function CellViewer({ source, place, onClose }: CellViewerProps): ReactNode {
  const column = place && source.columns[place.column]
  return (
    <Drawer
      opened={column !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={
        <>
          {column?.name} <Code>{column?.type}</Code>
        </>
      }
    >
      {place && column && <Value text={source.cell(place.row, place.column)} type={column.type} />}
    </Drawer>
  )
}

function Value({ text, type }: { text: string | null; type: string }): ReactNode {
  if (text === null) return <Text c="var(--faint)">NULL: there is no value.</Text>
  if (text === '')
    return <Text c="var(--faint)">A text without characters, which is not NULL.</Text>
  return (
    <>
      <Group justify="space-between" mb="xs">
        <Text size="sm" c="var(--faint)">
          {text.length.toLocaleString()} characters
        </Text>
        <CopyIcon value={text} label="Copy value" />
      </Group>
      <pre className={classes['value']} tabIndex={0}>
        {indented(text, type)}
      </pre>
    </>
  )
}

/** JSON indented; anything else as it is. Numbers that JavaScript would round stay as they are too. */
function indented(text: string, type: string): string {
  if (!isJson(type) && !/^\s*[[{]/.test(text)) return text
  try {
    const value: unknown = JSON.parse(text)
    return /\d{16}/.test(text) ? text : JSON.stringify(value, null, 2)
  } catch {
    // It only looks like JSON, as a PostgreSQL array does.
    return text
  }
}
