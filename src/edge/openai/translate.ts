// SPDX-License-Identifier: Apache-2.0
// A request of OpenAI's clients as ours: pure, and refuses what cannot be said in our words instead of leaving it out.

import type {
  ChatAttachment,
  ChatMessage,
  ChatOptions,
  ChatRequest,
  ChatTool,
  ChatToolChoice,
} from '../../providers/provider.ts';
import { type FieldProblem, invalid } from '../problem.ts';
import type { ChatCompletionRequest } from './requests.ts';

type Given = ChatCompletionRequest['messages'][number];
type Part = Exclude<Extract<Given, { role: 'user' }>['content'], string>[number];

/** How many images one request may hold. */
const IMAGES_MOST = 32;
/** Instructions a request may hold for an agent, in UTF-16 units. */
export const INSTRUCTIONS_MOST = 32_768;

const IMAGE_URL = /^data:(image\/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/\s]+={0,2}\s*)$/;

/** The whole request but for its model, which whoever routes it fills in. @throws Refusal `validation_failed` */
export function chatRequest(body: ChatCompletionRequest): ChatRequest {
  const tools = (body.tools ?? []).map(toolOf);
  checkCalls(body);
  const messages = body.messages.filter(isSaid);
  const options = optionsOf(body, tools);
  // A vendor that is told to call none of them may still want to know what was called before.
  const none = options.toolChoice === 'none' && messages.every(({ role }) => role !== 'tool');
  return {
    model: '',
    systemPrompt: instructionsOf(body.messages),
    messages: said(body.messages),
    tools: none ? [] : tools,
    options,
  };
}

/** What goes to an agent: its newest message, and what was said before. */
export interface AgentRequest {
  readonly content: string;
  readonly images: readonly ChatAttachment[];
  readonly history: readonly ChatMessage[];
  readonly instructions: string;
  readonly options: ChatOptions;
}

/** @throws Refusal `validation_failed` */
export function agentRequest(body: ChatCompletionRequest): AgentRequest {
  if ((body.tools?.length ?? 0) > 0)
    throw invalid([
      { path: 'tools', message: 'cannot be given to a workspace: its agent uses the tools it has there' },
    ]);
  checkCalls(body);
  const history = said(body.messages);
  const last = history.pop();
  if (last === undefined || last.role !== 'user')
    throw invalid([{ path: 'messages', message: "must end with a user's message, which the agent answers" }]);
  const instructions = instructionsOf(body.messages);
  if (instructions.length > INSTRUCTIONS_MOST) {
    const says = `hold ${instructions.length} characters of instructions (system and developer); the most is ${INSTRUCTIONS_MOST}`;
    throw invalid([{ path: 'messages', message: says }]);
  }
  const { content, attachments: images = [] } = last;
  const { toolChoice: _choice, parallelToolCalls: _parallel, ...options } = optionsOf(body, []);
  return { content, images, history, instructions, options };
}

const isSaid = ({ role }: Given): boolean => role !== 'system' && role !== 'developer';

/** What system and developer messages say, wherever they stand. */
function instructionsOf(messages: readonly Given[]): string {
  return messages
    .flatMap((message) => (message.role === 'system' || message.role === 'developer' ? [textOf(message.content)] : []))
    .join('\n\n');
}

function said(messages: readonly Given[]): ChatMessage[] {
  const called = new Map<string, string>();
  let images = 0;
  return messages.flatMap((message, at): ChatMessage[] => {
    switch (message.role) {
      case 'user': {
        if (typeof message.content === 'string')
          return [{ role: 'user', content: message.content, origin: 'user_input' }];
        const attachments = message.content.flatMap((part, of) =>
          imageOf(part, `messages.${at}.content.${of}.image_url.url`),
        );
        images += attachments.length;
        if (images > IMAGES_MOST)
          throw invalid([{ path: 'messages', message: `hold more than ${IMAGES_MOST} images` }]);
        const content = textOf(message.content.filter((part) => part.type === 'text'));
        const plain = { role: 'user', content, origin: 'user_input' } as const;
        return [attachments.length === 0 ? plain : { ...plain, attachments }];
      }
      case 'assistant': {
        const { content, tool_calls } = message;
        const toolCalls = (tool_calls ?? []).map(({ id, function: { name, arguments: given } }) => {
          called.set(id, name);
          return { id, name, arguments: given };
        });
        const reply = { role: 'assistant', content: replyText(content), origin: 'system' } as const;
        return [toolCalls.length === 0 ? reply : { ...reply, toolCalls }];
      }
      case 'tool': {
        const { content, tool_call_id: toolCallId } = message;
        const toolName = called.get(toolCallId) ?? 'unknown';
        return [{ role: 'tool', content: textOf(content), toolCallId, toolName, origin: 'tool_output' }];
      }
      default:
        return [];
    }
  });
}

/** Results belong to calls that were made before, as every vendor wants it. */
function checkCalls({ messages }: ChatCompletionRequest): void {
  const called = new Set<string>();
  const problems: FieldProblem[] = [];
  for (const [at, message] of messages.entries()) {
    if (message.role === 'assistant') for (const { id } of message.tool_calls ?? []) called.add(id);
    if (message.role === 'tool' && !called.has(message.tool_call_id)) {
      const says = 'names no call that an assistant message before it has made';
      problems.push({ path: `messages.${at}.tool_call_id`, message: says });
    }
  }
  if (problems.length > 0) throw invalid(problems);
}

function textOf(content: string | readonly { readonly text: string }[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('\n');
}

function replyText(content: Extract<Given, { role: 'assistant' }>['content']): string {
  if (content === undefined || content === null) return '';
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : part.refusal)).join('\n');
}

function imageOf(part: Part, path: string): ChatAttachment[] {
  if (part.type !== 'image_url') return [];
  const { url } = part.image_url;
  const [, mediaType, base64] = IMAGE_URL.exec(url) ?? [];
  if (mediaType === undefined || base64 === undefined) {
    const says = /^https?:/i.test(url)
      ? 'is an address, and the gateway fetches none for whoever asks: send the image as a `data:` URL'
      : 'is not an image as a `data:` URL: `data:image/png;base64,…`, or jpeg, gif or webp';
    throw invalid([{ path, message: says }]);
  }
  return [{ kind: 'image', mediaType: mediaType as ChatAttachment['mediaType'], data: Buffer.from(base64, 'base64') }];
}

/** Of a function that takes nothing. */
const NO_PARAMETERS = { type: 'object', properties: {} } as const;

function toolOf({
  function: { name, description, parameters },
}: NonNullable<ChatCompletionRequest['tools']>[number]): ChatTool {
  return { name, description: description ?? '', inputSchema: parameters ?? NO_PARAMETERS };
}

function optionsOf(body: ChatCompletionRequest, tools: readonly ChatTool[]): ChatOptions {
  const { temperature, top_p: topP, seed, parallel_tool_calls: parallelToolCalls } = body;
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  const stops = typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []);
  const stopSequences = stops.filter((stop) => stop !== '');
  const toolChoice = choiceOf(body.tool_choice ?? undefined, tools);
  const responseFormat = formatOf(body.response_format ?? undefined);
  return {
    ...given({ temperature, topP, seed, maxTokens, parallelToolCalls }),
    ...(stopSequences.length > 0 && { stopSequences }),
    ...(toolChoice !== undefined && { toolChoice }),
    ...(responseFormat !== undefined && { responseFormat }),
  };
}

type Present<T> = { readonly [K in keyof T]?: NonNullable<T[K]> };

/** Without what is not there. */
function given<T extends Readonly<Record<string, unknown>>>(fields: T): Present<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  ) as Present<T>;
}

function choiceOf(
  choice: NonNullable<ChatCompletionRequest['tool_choice']> | undefined,
  tools: readonly ChatTool[],
): ChatToolChoice | undefined {
  if (choice === undefined || typeof choice === 'string') return choice;
  const { name } = choice.function;
  if (!tools.some((tool) => tool.name === name))
    throw invalid([{ path: 'tool_choice.function.name', message: `is none of the \`tools\`` }]);
  return { name };
}

function formatOf(format: ChatCompletionRequest['response_format'] | undefined): ChatOptions['responseFormat'] {
  if (format === undefined || format === null || format.type === 'text') return undefined;
  if (format.type === 'json_object') return format;
  const { name, description, schema, strict } = format.json_schema;
  return { type: 'json_schema', name, schema: schema ?? {}, ...given({ description, strict }) };
}
