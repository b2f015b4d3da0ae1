"""Images of whole numbers."""

import keras
import rows
from keras import layers
from orchestrator import Data, Endpoint, Lesson, Variant


def net(*parts):
    m = keras.Sequential([keras.Input((8, 8, 1)), layers.Rescaling(1 / 255), *parts, layers.Flatten(), layers.Dense(2)])
    m.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return m


augment = [lambda: layers.RandomFlip("horizontal"), lambda: layers.RandomRotation(0.1), lambda: layers.RandomZoom(0.2)]
LESSON = Lesson(
    title="Images, uint8",
    about=__doc__,
    data=Data(fixed=lambda: rows.images(dtype="uint8")),
    variants=[
        Variant("dense", net, epochs=2),
        Variant(
            "convolution, batch normalization",
            lambda: net(layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D()),
            epochs=2,
        ),
        Variant(
            "separable and depthwise", lambda: net(layers.SeparableConv2D(4, 3), layers.DepthwiseConv2D(3)), epochs=2
        ),
        Variant("augmentation", lambda: net(*[make() for make in augment], layers.Dense(4)), epochs=2),
        Variant(
            "augmentation, convolution",
            lambda: net(layers.RandomTranslation(0.1, 0.1), layers.RandomContrast(0.2), layers.Conv2D(4, 3)),
            epochs=2,
        ),
        Variant(
            "pooling, upsampling, cropping",
            lambda: net(layers.AveragePooling2D(2), layers.UpSampling2D(), layers.Cropping2D(1)),
            epochs=2,
        ),
        Variant(
            "mixed precision a layer", lambda: net(layers.Flatten(), layers.Dense(8, dtype="mixed_bfloat16")), epochs=2
        ),
    ],
    endpoint=Endpoint("test_accuracy"),
)
