import { ApiError } from '@coppice/api/client'
import { notifications } from '@mantine/notifications'
import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query'

/** What a person reads of a failure: the API's own message says what to do next. */
export function describeFailure(error: unknown): string {
  if (error instanceof ApiError) return error.message
  return 'The platform does not answer. Is it running? `coppice status` says.'
}

interface ActionOptions<Input, Output> {
  run: (input: Input) => Promise<Output>
  /** Said when it is done; without it nothing is. */
  done?: (output: Output, input: Input) => string
  onDone?: (output: Output, input: Input) => void
  /** For forms, which show the failure themselves. */
  quiet?: boolean
}

/**
 * A change through the API: a toast says how it ended, and what it may have changed is read anew, at
 * once and not only when the event comes.
 */
export function useAction<Input = void, Output = unknown>(
  options: ActionOptions<Input, Output>,
): UseMutationResult<Output, Error, Input> {
  const client = useQueryClient()
  return useMutation({
    mutationFn: options.run,
    onSuccess: (output, input) => {
      const message = options.done?.(output, input)
      if (message !== undefined) notifications.show({ message, color: 'leaf' })
      options.onDone?.(output, input)
      void client.invalidateQueries()
    },
    onError: (error) => {
      if (options.quiet) return
      notifications.show({
        title: 'That did not work',
        message: describeFailure(error),
        color: 'red',
      })
    },
  })
}
