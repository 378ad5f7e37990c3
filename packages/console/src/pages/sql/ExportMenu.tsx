import { Button, Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconDownload } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { describeFailure } from '../../api/use-action.ts'
import type { RowStore } from '../../grid/row-store.ts'
import { rowFormat, type RowFormatName, rowFormatNames, textOf } from '../../grid/rows-as-text.ts'
import { exportAll, exportLoaded } from './export-rows.ts'
import { type QueryPlace, runOn } from './run-on.ts'
import type { StatementResult } from './sql-run.ts'
import { isReading } from './statements.ts'

interface ExportMenuProps {
  result: StatementResult
  store: RowStore
  /** Of INSERTs. */
  table: string
  /** Where it was run, and is run again for what is not loaded. */
  place: QueryPlace
}

const formats = Object.keys(rowFormatNames) as RowFormatName[]
/** Of a text for the clipboard. */
const copyRowsMax = 50_000

/** Rows as a file: those that are loaded, or all by running the statement again. */
export function ExportMenu({ result, store, table, place }: ExportMenuProps): ReactNode {
  const count = store.rowCount.toLocaleString()
  const isPart = result.isCut || result.state !== 'done'
  const options = (format: RowFormatName) => ({
    format,
    columns: store.columns,
    table,
    name: fileName(table),
  })
  const saveLoaded = (format: RowFormatName): void =>
    void tellEnd(async () => exportLoaded(store, options(format)))
  const saveAll = (format: RowFormatName): void =>
    void tellEnd(async (onProgress) =>
      exportAll({
        ...options(format),
        onProgress,
        query: async () =>
          runOn({ ...place, request: { ...place.request, read_only: true } }, result.sql),
      }),
    )
  const copyInserts = (): void => {
    const text = [...textOf(store, rowFormat('sql', store.columns, table))].join('')
    void navigator.clipboard.writeText(text)
    notifications.show({ message: `Copied ${count} INSERTs`, color: 'leaf' })
  }
  return (
    <Menu position="top-end" withinPortal>
      <Menu.Target>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconDownload size={15} />}
          disabled={result.state === 'running'}
        >
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {isPart ? `The ${count} rows that are loaded` : `All ${count} rows`}
        </Menu.Label>
        {formats.map((format) => (
          <Menu.Item key={format} onClick={() => saveLoaded(format)}>
            {rowFormatNames[format]}
          </Menu.Item>
        ))}
        <Menu.Item onClick={copyInserts} disabled={store.rowCount > copyRowsMax}>
          Copy as INSERTs
        </Menu.Item>
        {isPart && isReading(result.sql) && (
          <>
            <Menu.Label>All rows: run it again, to a file</Menu.Label>
            {formats.map((format) => (
              <Menu.Item key={format} onClick={() => saveAll(format)}>
                {`All rows as ${rowFormatNames[format]}`}
              </Menu.Item>
            ))}
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

/** `orders-2026-11-25T16-49-03`, which every file system takes. */
function fileName(table: string): string {
  const plain = table.replaceAll(/[^\w.-]+/g, '_')
  const name = plain === 'table_name' ? 'result' : plain
  return `${name}-${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}`
}

const progressStep = 100_000

/** Toasts tell how far an export has come, and how it ended. */
async function tellEnd(
  save: (onProgress: (rows: number) => void) => Promise<number | undefined>,
): Promise<void> {
  let id: string | undefined
  let told = 0
  const onProgress = (rows: number): void => {
    if (rows - told < progressStep) return
    told = rows
    const message = `${rows.toLocaleString()} rows written…`
    if (id === undefined) id = notifications.show({ message, loading: true, autoClose: false })
    else notifications.update({ id, message, loading: true, autoClose: false })
  }
  try {
    const rows = await save(onProgress)
    if (rows === undefined) return
    notifications.show({ message: `Exported ${rows.toLocaleString()} rows`, color: 'leaf' })
  } catch (error) {
    notifications.show({
      title: 'The export failed',
      message: describeFailure(error),
      color: 'red',
    })
  } finally {
    if (id !== undefined) notifications.hide(id)
  }
}
