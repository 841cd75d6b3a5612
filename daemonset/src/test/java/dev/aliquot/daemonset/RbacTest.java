package dev.aliquot.daemonset;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The agent is allowed what the chosen values use, and no more. */
class RbacTest {
  private static Set<String> allowed(List<HasMetadata> objects) {
    Set<String> allowed = new TreeSet<>();
    for (ClusterRole role : Chart.all(ClusterRole.class, objects)) {
      for (PolicyRule rule : role.getRules()) {
        assertThat(rule.getApiGroups()).containsExactly("");
        for (String resource : rule.getResources()) {
          rule.getVerbs().forEach(verb -> allowed.add(verb + " " + resource));
        }
      }
    }
    return allowed;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{health: {kubernetes: 'off'}, pods: {readAnnotations: false}} | ",
        "{health: {kubernetes: 'off'}} | get pods, list pods, watch pods, get events,"
            + " create events, patch events",
        "{pods: {readAnnotations: false}, health: {kubernetes: dry-run}} | get nodes",
        "{pods: {readAnnotations: false}, health: {kubernetes: dry-run, taint: true}}"
            + " | get nodes, list nodes",
        "{pods: {readAnnotations: false}, health: {kubernetes: dry-run, evict: evict, taint: true}}"
            + " | get nodes, list nodes, get pods",
        "{pods: {readAnnotations: false}} | get nodes, patch nodes, patch nodes/status, get events,"
            + " create events, patch events, get pods",
        "{pods: {readAnnotations: false}, health: {evict: evict}} | get nodes, list nodes, patch nodes,"
            + " patch nodes/status, get events, create events, patch events, get pods, create pods/eviction",
        "{pods: {readAnnotations: false}, health: {evict: delete}} | get nodes, list nodes, patch nodes,"
            + " patch nodes/status, get events, create events, patch events, get pods, delete pods",
      })
  void onlyWhatIsChosenIsAllowed(String values, String expected) {
    Set<String> wanted =
        expected == null ? Set.of() : new TreeSet<>(List.of(expected.strip().split(", +", -1)));
    assertThat(allowed(Chart.objects(values))).isEqualTo(wanted);
  }

  @Test
  void rolesAreBoundToTheAgentsOwnAccountOnly() {
    List<HasMetadata> objects = Chart.objects("{}");
    String account = Chart.only(ServiceAccount.class, objects).getMetadata().getName();
    assertThat(Chart.all(ClusterRoleBinding.class, objects))
        .hasSize(2)
        .allSatisfy(
            binding ->
                assertThat(binding.getSubjects())
                    .singleElement()
                    .satisfies(
                        subject -> {
                          assertThat(subject.getName()).isEqualTo(account);
                          assertThat(subject.getNamespace()).isEqualTo(Chart.NAMESPACE);
                        }));
  }

  @Test
  void anAgentThatSpeaksWithNobodyHasNoToken() {
    List<HasMetadata> objects =
        Chart.objects("{health: {kubernetes: 'off'}, pods: {readAnnotations: false}}");
    assertThat(pod(objects).getAutomountServiceAccountToken()).isFalse();
    assertThat(Chart.all(ClusterRoleBinding.class, objects)).isEmpty();
    assertThat(pod(Chart.objects("{}")).getAutomountServiceAccountToken()).isTrue();
  }

  private static io.fabric8.kubernetes.api.model.PodSpec pod(List<HasMetadata> objects) {
    return Chart.only(DaemonSet.class, objects).getSpec().getTemplate().getSpec();
  }
}
