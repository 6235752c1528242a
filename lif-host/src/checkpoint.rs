//! Trained networks as safetensors: a tensor for the weights `[out, in]` and one for the biases `[out]` of each
//! synapse node, and the network's description as JSON in the metadata.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::net::{self, Net, NodeKind};

/// Key of the description in the file's metadata.
const KEY: &str = "lif.net";

/// Why a checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a safetensors file.
    #[error("not a safetensors file: {0}")]
    SafeTensors(#[from] safetensors::SafeTensorError),
    /// The metadata hold no description of a network, or a broken one.
    #[error("the metadata hold no network that this version understands: {0}")]
    Description(String),
    /// A tensor is missing or has another shape or type.
    #[error("tensor {name:?}: {problem}")]
    Tensor {
        /// Name of the tensor.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The network is not valid.
    #[error(transparent)]
    Net(#[from] net::Error),
}

/// A tensor of a checkpoint: its name, its shape and where its values are.
struct Span {
    name: String,
    shape: Vec<usize>,
    at: std::ops::Range<usize>,
}

/// The tensors of `net`.
fn spans(net: &Net) -> Vec<Span> {
    let mut spans = Vec::new();
    for node in &net.nodes {
        if let NodeKind::Linear { weight, bias } = &node.kind {
            let n_out = node.shape.len();
            spans.push(Span {
                name: format!("{}.weight", node.name),
                shape: vec![n_out, weight.len() / n_out.max(1)],
                at: weight.clone(),
            });
            if bias.is_empty() {
                continue;
            }
            spans.push(Span {
                name: format!("{}.bias", node.name),
                shape: vec![n_out],
                at: bias.clone(),
            });
        }
    }
    spans
}

/// What a file holds beside the network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra<'a> {
    /// Tensors of one dimension, by name.
    pub(crate) tensors: Vec<(&'a str, &'a [f32])>,
    /// A text, by name; the metadata would not keep its order, and the same state should give the same bytes.
    pub(crate) text: Option<(&'a str, String)>,
}

/// `net` as the bytes of a safetensors file.
///
/// # Errors
///
/// [`Error::Net`] where the network is not valid.
pub fn to_bytes(net: &Net) -> Result<Vec<u8>, Error> {
    to_bytes_with(net, &Extra::default())
}

/// The same with `extra` beside it.
pub(crate) fn to_bytes_with(net: &Net, extra: &Extra<'_>) -> Result<Vec<u8>, Error> {
    net.check()?;
    let description = serde_json::to_string(net).map_err(|e| Error::Description(e.to_string()))?;
    let metadata = HashMap::from([(KEY.to_string(), description)]);
    let mut tensors = Vec::new();
    for span in spans(net) {
        let data = bytemuck::cast_slice(&net.weights[span.at]);
        tensors.push((span.name, TensorView::new(Dtype::F32, span.shape, data)?));
    }
    for (name, values) in &extra.tensors {
        let data = bytemuck::cast_slice(values);
        let view = TensorView::new(Dtype::F32, vec![values.len()], data)?;
        tensors.push(((*name).into(), view));
    }
    if let Some((name, text)) = &extra.text {
        let view = TensorView::new(Dtype::U8, vec![text.len()], text.as_bytes())?;
        tensors.push(((*name).into(), view));
    }
    Ok(safetensors::serialize(tensors, Some(metadata))?)
}

/// The text `name` of the safetensors file `bytes`.
pub(crate) fn text(bytes: &[u8], name: &str) -> Result<String, Error> {
    let fail = |problem: String| Error::Tensor {
        name: name.into(),
        problem,
    };
    let file = SafeTensors::deserialize(bytes)?;
    let tensor = file.tensor(name).map_err(|e| fail(e.to_string()))?;
    String::from_utf8(tensor.data().to_vec()).map_err(|e| fail(e.to_string()))
}

/// The `n` values of the tensor `name` of the safetensors file `bytes`.
pub(crate) fn tensor(bytes: &[u8], name: &str, n: usize) -> Result<Vec<f32>, Error> {
    let fail = |problem: String| Error::Tensor {
        name: name.into(),
        problem,
    };
    let file = SafeTensors::deserialize(bytes)?;
    let tensor = file.tensor(name).map_err(|e| fail(e.to_string()))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != [n] {
        let (dtype, shape) = (tensor.dtype(), tensor.shape());
        return Err(fail(format!("{dtype:?} {shape:?} instead of F32 [{n}]")));
    }
    let (chunks, _) = tensor.data().as_chunks::<4>();
    Ok(chunks.iter().map(|x| f32::from_le_bytes(*x)).collect())
}

/// The network in the safetensors file `bytes`.
///
/// # Errors
///
/// [`Error`], with the name of the tensor.
pub fn from_bytes(bytes: &[u8]) -> Result<Net, Error> {
    let file = SafeTensors::deserialize(bytes)?;
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let description = header
        .metadata()
        .as_ref()
        .and_then(|m| m.get(KEY))
        .ok_or_else(|| Error::Description(format!("the key {KEY:?} is missing")))?;
    let mut net: Net =
        serde_json::from_str(description).map_err(|e| Error::Description(e.to_string()))?;
    let spans = spans(&net);
    // The tensors stand one behind the other in the buffer of all weights, as in the file.
    let mut end = 0;
    for span in &spans {
        let fail = |problem: String| Error::Tensor {
            name: span.name.clone(),
            problem,
        };
        let tensor = file.tensor(&span.name).map_err(|e| fail(e.to_string()))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != span.shape {
            return Err(fail(format!(
                "{:?} {:?} instead of F32 {:?}",
                tensor.dtype(),
                tensor.shape(),
                span.shape
            )));
        }
        if span.at.start != end || span.at.end < end || span.at.end > bytes.len() / 4 {
            return Err(fail(
                "the description does not place it behind the one before".into(),
            ));
        }
        end = span.at.end;
        if net.weights.len() < span.at.end {
            net.weights.resize(span.at.end, 0.0);
        }
        let values = net.weights[span.at.clone()].iter_mut();
        let (bytes, _) = tensor.data().as_chunks::<4>();
        if bytes.len() != span.at.len() {
            return Err(fail("its shape is not that of the description".into()));
        }
        for (to, from) in values.zip(bytes) {
            *to = f32::from_le_bytes(*from);
        }
    }
    net.check()?;
    Ok(net)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{InputScale, LifParams, Param};
    use crate::surrogate::Surrogate;
    use lif_nostd::neuron::Decode;

    #[test]
    fn a_net_survives_the_round_trip() {
        let input = InputScale {
            full_scale: 16.0,
            step: 1.0,
        };
        let mut net = Net::sequential("n", 16, 5, input)
            .linear(3)
            .build()
            .unwrap();
        net.init(3);
        let bytes = to_bytes(&net).unwrap();
        assert_eq!(from_bytes(&bytes).unwrap(), net);
        assert!(from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert!(matches!(
            from_bytes(b"nonsense"),
            Err(Error::SafeTensors(_))
        ));
    }

    #[test]
    fn every_kind_of_node_survives_the_round_trip() {
        let params = LifParams {
            tau: Param::PerNeuron(vec![2.0, 3.0, 4.0]),
            v_threshold: Param::Scalar(1.0),
            v_reset: Some(Param::PerChannel(vec![0.0, 0.25, -0.5])),
            decay_input: false,
            detach_reset: true,
            surrogate: Surrogate::default(),
        };
        for decode in Decode::ALL {
            let net = Net::sequential_spikes("n", 16, 5)
                .linear(3)
                .lif(params.clone())
                .linear(3)
                .simple_lif(params.clone())
                .linear(2)
                .non_spiking_lif(Param::Scalar(1.5), decode);
            let net = net.build().unwrap();
            assert_eq!(from_bytes(&to_bytes(&net).unwrap()).unwrap(), net);
        }
    }
}
