//! Surrogate functions: what stands in for the step at the threshold.
//!
//! They are `lif-nostd`'s, so that a device can run the smooth network too. In a file, a surrogate is a map:
//! `{ name = "atan", alpha = 2.0 }`, with SpikingJelly's defaults for what is left out.

pub use lif_nostd::surrogate::{ParamError, Surrogate};

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line of TOML, the value of a key, gives.
    fn read(text: &str) -> Result<Surrogate, String> {
        let table: toml::Table = format!("surrogate = {text}").parse().unwrap();
        table["surrogate"]
            .clone()
            .try_into()
            .map_err(|e: toml::de::Error| e.to_string())
    }

    #[test]
    fn a_surrogate_is_read_with_its_defaults() {
        assert_eq!(read("{ name = \"atan\" }"), Ok(Surrogate::default()));
        let sigmoid = Ok(Surrogate::Sigmoid { alpha: 2.0 });
        assert_eq!(read("{ alpha = 2, name = \"sigmoid\" }"), sigmoid);
        let wave = Ok(Surrogate::SquarewaveFourierSeries {
            n: 3,
            t_period: 8.0,
        });
        assert_eq!(
            read("{ name = \"squarewave-fourier-series\", n = 3 }"),
            wave
        );
        let counts = Ok(Surrogate::MultiLevelSpikeCount {
            max_spike_count: 4,
            grad_min: Some(-0.5),
            grad_max: None,
        });
        let text = "{ name = \"multi-level-spike-count\", max_spike_count = 4, grad_min = -0.5 }";
        assert_eq!(read(text), counts);
    }

    #[test]
    fn what_is_not_a_surrogate_is_refused() {
        let rows = [
            ("{}", "missing field `name`"),
            ("\"atan\"", "expected a surrogate"),
            (
                "{ name = \"tanh\" }",
                "unknown variant `tanh`, expected one of `sigmoid`, `atan`",
            ),
            (
                "{ name = \"atan\", alhpa = 2.0 }",
                "unknown field `alhpa`, expected one of `name`, `alpha`",
            ),
            (
                "{ name = \"atan\", w = 2.0 }",
                "unknown field `w`, expected `alpha`",
            ),
            ("{ name = \"atan\", alpha = \"x\" }", "expected f64"),
            (
                "{ name = \"multi-level-spike-count\" }",
                "missing field `max_spike_count`",
            ),
            (
                "{ name = \"squarewave-fourier-series\", n = 1.5 }",
                "floating point `1.5`, expected u32",
            ),
        ];
        for (text, message) in rows {
            let said = read(text).unwrap_err();
            assert!(said.contains(message), "{text}: {said}");
        }
    }

    #[test]
    fn every_surrogate_is_written_and_read_back() {
        for mut surrogate in Surrogate::ALL {
            for (i, param) in surrogate.param_names().iter().enumerate() {
                surrogate.set(param, 3.0 + i as f64).unwrap();
            }
            let text = serde_json::to_string(&surrogate).unwrap();
            let back: Surrogate = serde_json::from_str(&text).unwrap();
            assert_eq!(back, surrogate, "{text}");
        }
        let text = serde_json::to_string(&Surrogate::default()).unwrap();
        assert_eq!(text, r#"{"name":"atan","alpha":2.0}"#);
    }
}
