"""The providers that come with the library, as a configuration names them: their defaults, how they are made.

What speaks to a provider is imported when a model is made: many commands only read the configuration.
"""

from __future__ import annotations

from hermes_trio.ports.model import Model, ModelContext, ModelProvider


async def _openai(context: ModelContext) -> Model:
    from hermes_trio.models.providers.openai import OpenAIModel

    return OpenAIModel(await context.client(), context.base_url, context.name, **context.limits())


async def _anthropic(context: ModelContext) -> Model:
    from hermes_trio.models.providers.anthropic import AnthropicModel

    return AnthropicModel(await context.client(), context.base_url, context.name, **context.limits())


async def _echo(context: ModelContext) -> Model:
    from hermes_trio.models.providers.echo import EchoModel

    return EchoModel()


openai = ModelProvider(
    make=_openai, base_url="https://api.openai.com/v1", name="gpt-5.5", keys=("env:OPENAI_API_KEY",)
)
anthropic = ModelProvider(
    make=_anthropic,
    base_url="https://api.anthropic.com",
    name="claude-sonnet-4-5",
    keys=("env:ANTHROPIC_API_KEY",),
)
echo = ModelProvider(make=_echo, name="echo")
