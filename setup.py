"""Packages both halves of the project: the trainer plug-in and the environment bridges."""

from pathlib import Path

from setuptools import find_packages, setup

PLUGIN_ROOT = "ml-agents-selfplay"
BRIDGES = ["gymnasium>=1.0", "numpy", "grpcio", "protobuf", "typer"]

setup(
    name="mlagents-selfplay",
    version="0.1.0",
    description="Self-play for Unity ML-Agents: one policy learns by playing frozen snapshots of itself.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10.1,<3.11",
    packages=find_packages(PLUGIN_ROOT) + find_packages(include=["gym_bridges", "gym_bridges.*"]),
    package_dir={"mlagents_selfplay": f"{PLUGIN_ROOT}/mlagents_selfplay", "gym_bridges": "gym_bridges"},
    package_data={"gym_bridges": ["builds/**", "py.typed"], "mlagents_selfplay": ["py.typed", "dashboard/assets/*"]},
    install_requires=[
        "mlagents==1.1.0",
        "torch>=2.1.1,<2.9",
        "setuptools<82",  # ML-Agents imports pkg_resources, which setuptools 82 removed
        "onnx",
        "onnxruntime",
        "safetensors",
        "scipy",
        "rich",
        "matplotlib",  # pictures of tournaments and experiments
        *BRIDGES,
    ],
    extras_require={
        "gym": [
            "gymnasium-robotics>=1.4",
            "pettingzoo>=1.24",
            "mujoco<=3.11",
            "ale-py",
            "box2d",
            "pygame",  # PettingZoo's classic games and gymnasium's Box2D import it
            "opencv-python-headless<4.12",
            "imageio",
            "imageio-ffmpeg",
        ],
        "dashboard": [
            "dash>=4.4",
            "dash-mantine-components>=2.8",
            "pandas",
            "plotly",
            "pyyaml",
            "tensorboard",
        ],
        "population": ["ray"],
        "dev": [
            "pytest",
            "pytest-xdist",
            "pytest-timeout",
            "hypothesis",
            "ruff",
            "mypy",
            "pandas-stubs",
            "playwright",  # drives Debian's chromium in the browser tests
            "psutil",
            "py-spy",  # benchmarks look with it at where a run spends its time
            "ray",  # the population's tests
            "stable-baselines3",  # a peer that benchmarks/ measures beside ours; imported there only
            "tomli",
            "tree-sitter",  # tests read the C# scripts with it
            "tree-sitter-c-sharp",
            "unityparser",  # and the Unity scenes with this
            "types-PyYAML",
            "types-protobuf",
        ],
    },
    entry_points={
        "mlagents.trainer_type": ["selfplay = mlagents_selfplay.plugin:get_type_and_setting"],
        "console_scripts": [
            "mlagents-selfplay = mlagents_selfplay.cli:main",
            "gym-bridge = gym_bridges.cli:main",
        ],
    },
)
