import type { Branch, LogRecord, LogSeverity, LogsQuery } from '@coppice/api'
import { Group, NativeSelect, Switch, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconFileText, IconSearch } from '@tabler/icons-react'
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'

import { api } from '../../api/client.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { formatMoment } from '../../ui/format.ts'
import { LoadOlder } from '../../ui/LoadOlder.tsx'
import { Panel } from '../../ui/Panel.tsx'
import { QueryView } from '../../ui/QueryView.tsx'

import classes from './monitoring.module.css'

const pageSize = 200
const tailMs = 3000
/** Typing is not asked about letter by letter. */
const typingMs = 300

/** PostgreSQL's words for them. */
const severities = [
  { value: '', label: 'Everything' },
  { value: 'warn', label: 'Warnings and errors' },
  { value: 'error', label: 'Errors' },
  { value: 'fatal', label: 'Fatal errors' },
]
const windows = [
  { value: '15m', label: 'Last 15 minutes' },
  { value: '1h', label: 'Last hour' },
  { value: '6h', label: 'Last 6 hours' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
]

/** The PostgreSQL logs of a branch's computes, newest first. Reading them wakes nothing. */
export function Logs({ branch: { project_id, id: branch_id } }: { branch: Branch }): ReactNode {
  const [severity, setSeverity] = useState('')
  const [since, setSince] = useState('24h')
  const [typed, setTyped] = useState('')
  const [isTailed, setIsTailed] = useState(true)
  const [text] = useDebouncedValue(typed, typingMs)
  const body: LogsQuery = {
    since,
    limit: pageSize,
    sort_order: 'desc',
    ...(severity !== '' && { minimum_severity: severity as LogSeverity }),
    ...(text !== '' && { body_contains: text }),
  }
  const pages = useInfiniteQuery({
    queryKey: ['logs', project_id, branch_id, body],
    queryFn: async ({ pageParam, signal }) =>
      api.queryProjectBranchLogs({
        path: { project_id, branch_id },
        body: { ...body, ...(pageParam !== '' && { cursor: pageParam }) },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    // Older pages were asked for in order to be read.
    refetchInterval: ({ state }) =>
      isTailed && (state.data?.pages.length ?? 1) === 1 ? tailMs : false,
    placeholderData: keepPreviousData,
  })
  return (
    <Panel flush>
      <Group p="md" gap="sm">
        <TextInput
          aria-label="Text to search for"
          placeholder="Search the messages"
          leftSection={<IconSearch size={16} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          flex="1 1 220px"
        />
        <NativeSelect
          aria-label="Severity"
          data={severities}
          value={severity}
          onChange={(event) => setSeverity(event.currentTarget.value)}
        />
        <NativeSelect
          aria-label="Time"
          data={windows}
          value={since}
          onChange={(event) => setSince(event.currentTarget.value)}
        />
        <Switch
          label="Live"
          checked={isTailed}
          onChange={(event) => setIsTailed(event.currentTarget.checked)}
        />
      </Group>
      <QueryView query={pages} skeletonLines={8}>
        {(data) => {
          const records = data.pages.flatMap(({ logs }) => logs)
          if (records.length === 0) {
            return (
              <EmptyState icon={IconFileText} title="No such lines">
                {text === '' && severity === ''
                  ? 'Its computes have written nothing in this time.'
                  : 'Nothing in this time is like that. Search for less, or further back.'}
              </EmptyState>
            )
          }
          return (
            <div
              className={classes['log']}
              role="log"
              aria-label="Log of the branch"
              aria-live="off"
            >
              {records.map((record, at) => (
                <Line key={keyOf(record, at)} record={record} text={text} />
              ))}
            </div>
          )
        }}
      </QueryView>
      <LoadOlder pages={pages} p="md" />
    </Panel>
  )
}

/** Lines of the same moment are told apart by where they stand. */
const keyOf = ({ timestamp, entity_id, message }: LogRecord, at: number): string =>
  `${timestamp} ${entity_id} ${message.slice(0, 60)} ${at}`

function Line({ record, text }: { record: LogRecord; text: string }): ReactNode {
  const { timestamp, severity_text, severity_number = 0, message, attributes } = record
  const level = severity_number >= 17 ? 'error' : severity_number >= 13 ? 'warn' : 'info'
  const { role, database } = attributes
  return (
    <div className={classes['record']} data-level={level}>
      <time dateTime={timestamp}>{formatMoment(timestamp)}</time>
      <span className={classes['severity']} data-level={level}>
        {severity_text}
      </span>
      <p className={`${classes['message']} ${classes['body']}`}>
        {marked(message, text)}
        {typeof role === 'string' && (
          <span className={classes['origin']}>
            {' '}
            — {role}
            {typeof database === 'string' && ` in ${database}`}
          </span>
        )}
      </p>
    </div>
  )
}

/** The message, with what was searched for marked. */
function marked(message: string, text: string): ReactNode {
  if (text === '') return message
  return message.split(text).map((part, at) => (
    <span key={at}>
      {at > 0 && <mark>{text}</mark>}
      {part}
    </span>
  ))
}
