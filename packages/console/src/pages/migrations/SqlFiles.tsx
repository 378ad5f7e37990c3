import type { SqlFile } from '@coppice/api'
import { ActionIcon, Button, FileButton, Group, Text, Textarea, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconFileUpload, IconPlus, IconTrash } from '@tabler/icons-react'
import { type DragEvent, type ReactNode, useState } from 'react'

import { nextName, withoutNamesakes } from './file-names.ts'

import classes from './migrations-page.module.css'

interface SqlFilesProps {
  files: readonly SqlFile[]
  onChange: (files: readonly SqlFile[]) => void
}

/** The API takes a megabyte in all. */
const bytesMax = 900_000

/** Files of SQL, pasted, written, chosen or dropped. They run in the order of their names. */
export function SqlFiles({ files, onChange }: SqlFilesProps): ReactNode {
  const [isOver, setIsOver] = useState(false)
  const add = async (chosen: readonly File[]): Promise<void> => {
    const wanted = chosen.filter(({ name }) => name.endsWith('.sql'))
    const size = wanted.reduce((sum, file) => sum + file.size, 0)
    if (wanted.length === 0 || size > bytesMax) {
      notifications.show({
        color: 'red',
        message:
          wanted.length === 0
            ? 'Files of SQL end in .sql.'
            : 'That is more than the API takes at once; use `coppice migrate rehearse`.',
      })
      return
    }
    const read = await Promise.all(
      wanted.map(async (file) => ({ name: file.name, sql: await file.text() })),
    )
    onChange(withoutNamesakes([...files.filter(({ sql }) => sql.trim() !== ''), ...read]))
  }
  const drop = (event: DragEvent): void => {
    event.preventDefault()
    setIsOver(false)
    void add([...event.dataTransfer.files])
  }
  const change = (at: number, part: Partial<SqlFile>): void =>
    onChange(files.map((file, other) => (other === at ? { ...file, ...part } : file)))
  return (
    <div
      className={classes['files']}
      data-over={isOver || undefined}
      onDragOver={(event) => {
        event.preventDefault()
        setIsOver(true)
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={drop}
    >
      {files.map(({ name, sql }, at) => (
        <div key={at} className={classes['file']}>
          <Group gap="xs" wrap="nowrap" mb={6}>
            <TextInput
              aria-label={`Name of file ${at + 1}`}
              value={name}
              maxLength={200}
              required
              onChange={(event) => change(at, { name: event.currentTarget.value })}
              className={classes['name'] ?? ''}
            />
            <ActionIcon
              aria-label={`Remove ${name}`}
              onClick={() => onChange(files.filter((_, other) => other !== at))}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
          <Textarea
            aria-label={`SQL of ${name}`}
            value={sql}
            onChange={(event) => change(at, { sql: event.currentTarget.value })}
            placeholder={'ALTER TABLE …'}
            autosize
            minRows={5}
            maxRows={24}
            spellCheck={false}
            classNames={{ input: classes['sql'] ?? '' }}
          />
        </div>
      ))}
      <Group gap="xs">
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlus size={14} />}
          onClick={() => onChange([...files, { name: nextName(files), sql: '' }])}
        >
          {files.length === 0 ? 'Write or paste SQL' : 'Another file'}
        </Button>
        <FileButton multiple accept=".sql" onChange={(chosen) => void add(chosen)}>
          {(props) => (
            <Button
              {...props}
              variant="default"
              size="xs"
              leftSection={<IconFileUpload size={14} />}
            >
              Choose files
            </Button>
          )}
        </FileButton>
        <Text size="sm" c="var(--faint)">
          or drop them here
        </Text>
      </Group>
    </div>
  )
}
