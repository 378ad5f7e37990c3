import { Button, Popover, Stack, Text, TextInput } from '@mantine/core'
import { IconHistory } from '@tabler/icons-react'
import { type FormEvent, type ReactNode, useState } from 'react'

import { formText } from '../../ui/form-text.ts'
import { formatMoment } from '../../ui/format.ts'
import { useTableAddress } from './use-table-address.ts'

/** Shows the tables as they were at a moment of the past, to be read. */
export function MomentChooser(): ReactNode {
  const { address, change } = useTableAddress()
  const { at } = address
  const [isOpen, setIsOpen] = useState(false)
  const show = (moment: string | undefined): void => {
    change({ at: moment, row: undefined })
    setIsOpen(false)
  }
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const local = new Date(formText(new FormData(event.currentTarget), 'moment'))
    show(local.toISOString())
  }
  return (
    <Popover opened={isOpen} onChange={setIsOpen} position="bottom-start" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant={at === undefined ? 'default' : 'light'}
          color={at === undefined ? 'gray' : 'blue'}
          leftSection={<IconHistory size={16} />}
          onClick={() => setIsOpen(!isOpen)}
        >
          {at === undefined ? 'Now' : formatMoment(at)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form onSubmit={submit}>
          <Stack gap="xs" w={240}>
            <TextInput
              name="moment"
              type="datetime-local"
              step={1}
              label="Moment"
              required
              withAsterisk={false}
              data-autofocus
            />
            <Text size="xs" c="var(--faint)">
              Within the history of the branch. What was then can be read, not changed.
            </Text>
            <Button type="submit" size="xs">
              Show it
            </Button>
            {at !== undefined && (
              <Button variant="default" size="xs" onClick={() => show(undefined)}>
                Back to now
              </Button>
            )}
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  )
}
