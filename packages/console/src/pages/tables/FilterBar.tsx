import {
  Button,
  Checkbox,
  CloseButton,
  Group,
  Popover,
  ScrollArea,
  Select,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { IconColumns3, IconFilterPlus } from '@tabler/icons-react'
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'

import type { TableColumn } from '../../sql/catalog.ts'
import { type Filter, type Operator, operators, takesValue } from '../../sql/filters.ts'
import { choicesOf } from './cells.ts'

import classes from './tables.module.css'

interface FilterBarProps {
  columns: readonly TableColumn[]
  filters: readonly Filter[]
  onFilters: (filters: Filter[]) => void
  where: string
  onWhere: (where: string) => void
}

/** Conditions on the rows: of columns, and one as SQL. */
export function FilterBar(props: FilterBarProps): ReactNode {
  const { columns, filters, onFilters, where, onWhere } = props
  const [isOpen, setIsOpen] = useState(false)
  const [isSql, setIsSql] = useState(false)
  const showsSql = isSql || where !== ''
  return (
    <>
      <Popover opened={isOpen} onChange={setIsOpen} position="bottom-start" trapFocus returnFocus>
        <Popover.Target>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconFilterPlus size={14} />}
            onClick={() => setIsOpen(!isOpen)}
          >
            Filter
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <FilterForm
            columns={columns}
            onAdd={(filter) => {
              onFilters([...filters, filter])
              setIsOpen(false)
            }}
            onSql={() => {
              setIsSql(true)
              setIsOpen(false)
            }}
          />
        </Popover.Dropdown>
      </Popover>
      {filters.map((filter, at) => (
        <span key={`${at} ${filter.column}`} className={classes['filter']}>
          <span>
            <b>{filter.column}</b> {operators[filter.operator]}{' '}
            {takesValue(filter.operator) && <code>{shown(filter.value)}</code>}
          </span>
          <CloseButton
            size="xs"
            aria-label={`Remove the condition on ${filter.column}`}
            onClick={() => onFilters(filters.filter((_, one) => one !== at))}
          />
        </span>
      ))}
      {showsSql && (
        <WhereField
          where={where}
          onWhere={onWhere}
          onClose={() => {
            onWhere('')
            setIsSql(false)
          }}
        />
      )}
    </>
  )
}

const shown = (value: string): string => {
  if (value === '') return 'empty'
  return value.length > 40 ? `${value.slice(0, 40)}…` : value
}

interface FilterFormProps {
  columns: readonly TableColumn[]
  onAdd: (filter: Filter) => void
  onSql: () => void
}

function FilterForm({ columns, onAdd, onSql }: FilterFormProps): ReactNode {
  const [name, setName] = useState(columns[0]?.name ?? '')
  const [operator, setOperator] = useState<Operator>('=')
  const [value, setValue] = useState('')
  const column = columns.find((one) => one.name === name)
  const isChoice =
    column !== undefined &&
    (column.base_type === 'bool' || column.labels !== null) &&
    (operator === '=' || operator === '<>')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (name !== '') onAdd({ column: name, operator, value: takesValue(operator) ? value : '' })
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="xs" w={280}>
        <Select
          label="Column"
          data={columns.map((one) => one.name)}
          value={name}
          onChange={(next) => next !== null && setName(next)}
          searchable
          allowDeselect={false}
          comboboxProps={{ withinPortal: false }}
          data-autofocus
        />
        <Select
          label="Condition"
          data={Object.entries(operators).map(([one, label]) => ({ value: one, label }))}
          value={operator}
          onChange={(next) => next !== null && setOperator(next as Operator)}
          allowDeselect={false}
          comboboxProps={{ withinPortal: false }}
        />
        {isChoice ? (
          <Select
            label="Value"
            data={choicesOf(column)}
            value={value}
            onChange={(next) => setValue(next ?? '')}
            comboboxProps={{ withinPortal: false }}
          />
        ) : (
          takesValue(operator) && (
            <TextInput
              label="Value"
              description={operator === 'in' ? 'With commas between' : undefined}
              value={value}
              onChange={({ currentTarget }) => setValue(currentTarget.value)}
              autoComplete="off"
              spellCheck={false}
            />
          )
        )}
        <Group justify="space-between" mt={4}>
          <Button variant="subtle" size="xs" onClick={onSql}>
            Write SQL instead
          </Button>
          <Button type="submit" size="xs" disabled={isChoice && value === ''}>
            Add condition
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

interface WhereFieldProps {
  where: string
  onWhere: (where: string) => void
  onClose: () => void
}

function WhereField({ where, onWhere, onClose }: WhereFieldProps): ReactNode {
  const [draft, setDraft] = useState(where)
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => field.current?.focus(), [])
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    onWhere(draft)
  }
  return (
    <form onSubmit={submit} className={classes['where']}>
      <TextInput
        aria-label="Condition in SQL"
        size="xs"
        leftSection={<Text size="xs">WHERE</Text>}
        leftSectionWidth={60}
        placeholder="total > 100 AND created_at > now() - interval '1 day'"
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        value={draft}
        onChange={({ currentTarget }) => setDraft(currentTarget.value)}
        onBlur={() => onWhere(draft)}
        autoComplete="off"
        spellCheck={false}
        ref={field}
        rightSection={
          <CloseButton size="xs" aria-label="Remove the condition in SQL" onClick={onClose} />
        }
      />
    </form>
  )
}

interface ColumnChooserProps {
  columns: readonly TableColumn[]
  hidden: readonly string[]
  onHidden: (hidden: string[]) => void
}

/** Which columns are shown. */
export function ColumnChooser({ columns, hidden, onHidden }: ColumnChooserProps): ReactNode {
  return (
    <Popover position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <Button variant="default" size="xs" leftSection={<IconColumns3 size={14} />}>
          {hidden.length === 0
            ? 'Columns'
            : `${columns.length - hidden.length} of ${columns.length} columns`}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <ScrollArea.Autosize mah={340} type="auto">
          <Stack gap={8} pr="md">
            {columns.map(({ name }) => (
              <Checkbox
                key={name}
                size="xs"
                label={name}
                checked={!hidden.includes(name)}
                // One is left.
                disabled={!hidden.includes(name) && hidden.length === columns.length - 1}
                onChange={({ currentTarget }) =>
                  onHidden(
                    currentTarget.checked
                      ? hidden.filter((one) => one !== name)
                      : [...hidden, name],
                  )
                }
              />
            ))}
          </Stack>
        </ScrollArea.Autosize>
        {hidden.length > 0 && (
          <Button variant="subtle" size="xs" mt="xs" onClick={() => onHidden([])}>
            Show all
          </Button>
        )}
      </Popover.Dropdown>
    </Popover>
  )
}
