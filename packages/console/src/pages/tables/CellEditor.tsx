import {
  type FocusEvent,
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useRef,
  useState,
} from 'react'

import type { TableColumn } from '../../sql/catalog.ts'
import { choicesOf, editorOf, typedValue } from './cells.ts'

import classes from './row-grid.module.css'

interface CellEditorProps {
  column: TableColumn
  /** Undefined is the default, of a row that is to be added. */
  value: string | null | undefined
  isNew: boolean
  onCommit: (value: string | null | undefined) => void
  onCancel: () => void
  /** To go on with a text in a field of many lines. */
  onEnlarge: (draft: string) => void
}

/** Edits a value where it stands: Enter or leaving keeps it, Escape does not. */
export function CellEditor(props: CellEditorProps): ReactNode {
  const { column, value, isNew, onCommit, onCancel, onEnlarge } = props
  const [draft, setDraft] = useState(value ?? '')
  const isOver = useRef(false)
  const editor = useRef<HTMLDivElement>(null)
  useEffect(() => editor.current?.querySelector<HTMLElement>('input, select')?.focus(), [])
  const kind = editorOf(column, value ?? null)
  const end = (next: string | null | undefined): void => {
    // What has been kept is not kept again when the field goes away and loses the focus by that.
    if (isOver.current) return
    isOver.current = true
    onCommit(next)
  }
  // Nobody has typed: NULL stays NULL and does not become empty.
  const typed = draft === (value ?? '') ? value : typedValue(column, draft)
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation()
    if (event.key === 'Escape') {
      isOver.current = true
      onCancel()
    } else if (event.key === 'Enter' && event.target instanceof HTMLElement) {
      if (event.target.tagName === 'BUTTON') return
      event.preventDefault()
      end(typed)
    }
  }
  const onBlur = (event: FocusEvent<HTMLElement>): void => {
    if (!event.currentTarget.contains(event.relatedTarget)) end(typed)
  }
  const field = {
    className: classes['field'],
    'aria-label': `New value of ${column.name}`,
    value: draft,
  }
  return (
    <div
      ref={editor}
      role="presentation"
      className={classes['editor']}
      onKeyDown={onKeyDown}
      onBlur={onBlur}
    >
      {kind === 'choice' ? (
        <select {...field} onChange={({ currentTarget }) => end(currentTarget.value)}>
          <option value="" disabled>
            {value === null ? 'NULL' : 'default'}
          </option>
          {choicesOf(column).map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...field}
          type={kind === 'date' ? 'date' : 'text'}
          placeholder={value === null ? 'NULL' : ''}
          spellCheck={false}
          autoComplete="off"
          onChange={({ currentTarget }) => setDraft(currentTarget.value)}
          onFocus={({ currentTarget }) => currentTarget.select()}
        />
      )}
      {kind === 'text' && column.is_long && (
        <EditorButton
          label="More room"
          onClick={() => {
            isOver.current = true
            onEnlarge(draft)
          }}
        >
          ⤢
        </EditorButton>
      )}
      {isNew && value !== undefined && (
        <EditorButton label="Set to the default" onClick={() => end(undefined)}>
          def
        </EditorButton>
      )}
      {!column.not_null && value !== null && (
        <EditorButton label="Set to NULL" onClick={() => end(null)}>
          NULL
        </EditorButton>
      )}
    </div>
  )
}

interface EditorButtonProps {
  label: string
  children: string
  onClick: () => void
}

function EditorButton({ label, children, onClick }: EditorButtonProps): ReactNode {
  return (
    <button
      type="button"
      className={classes['editorButton']}
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      {children}
    </button>
  )
}
