"""Real servers of others beside our models: `make witnesses` installs them and runs these.

They are in .venv-witnesses; without it the tests are skipped. Ollama and LM Studio are no Python packages,
llama-cpp-python has to be compiled, and vLLM and SGLang want hardware that a test has not.
"""
